"""Whatever a machine that is asked does, there is an answer, or a reason why it cannot be used."""

from __future__ import annotations

import socket
import threading

import pytest

from cicd.analysis import fetch
from cicd.analysis.fetch import Unusable
from cicd.clients import near

OK = b"HTTP/1.1 200 OK\r\n"


def asked(answer: bytes, waits: bool = False) -> str:
    """Return what is made of an *answer* after which the server *waits*, or closes the connection."""
    done = threading.Event()

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)
            if waits:
                done.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        try:
            return fetch.text(f"http://127.0.0.1:{server.getsockname()[1]}/")
        finally:
            done.set()


def test_a_whole_answer_is_given():
    assert asked(OK + b"Content-Length: 3\r\n\r\nabc") == "abc"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 50\r\n\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_an_answer_that_breaks_off_or_cannot_be_read_is_unusable(answer):
    with pytest.raises(Unusable, match="does not answer"):
        asked(answer)


def test_an_answer_that_stops_in_its_middle_is_unusable(monkeypatch):
    monkeypatch.setattr(near, "TIMEOUT_SECONDS", 0.1)

    with pytest.raises(Unusable, match="does not answer"):
        asked(OK + b"Content-Length: 50\r\n\r\nabc", waits=True)


def test_an_answer_without_an_end_is_unusable(monkeypatch):
    monkeypatch.setattr(fetch, "MOST_BYTES", 10)

    with pytest.raises(Unusable, match="answers with more than 10 bytes"):
        asked(OK + b"Content-Length: 11\r\n\r\nabcdefghijk")
