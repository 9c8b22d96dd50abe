"""Whatever is where a monitoring system should be, an update goes on, and says that nobody could be told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cicd.clients import alertmanager, icinga, muting
from cicd.clients.maintenance import Maintenance
from cicd.release.host import Host
from tests.lib.consul_settings import settings

WANTED = Maintenance("greeter", [Host("web1", "10.0.0.1")], 1.0, 2.0)


class Server(ThreadingHTTPServer):
    answer = (200, b"")


class Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        status, body = self.server.answer
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Answer) as found:
        threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        found.shutdown()


@pytest.mark.parametrize("status", [200, 302, 500])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b'"x"', b'{"results": [1]}', b'{"results": null}', b"[" * 100_000],
)
def test_an_answer_of_any_form_is_a_reason_that_nobody_could_be_told(server, tmp_path, status, body):
    server.answer = (status, body)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "password").write_text("secret")
    login = {"icinga_user": "cicd", "icinga_password_file": str(tmp_path / "password")}
    known = settings(url, monitoring={"alertmanager": url, "icinga": "https://icinga", **login})
    known = replace(known, monitoring=replace(known.monitoring, icinga=url))

    for begin in (alertmanager.silence, icinga.rest):
        with pytest.raises(muting.FAILURES) as failure:
            begin(known, WANTED)
        assert muting.reason(failure.value)
