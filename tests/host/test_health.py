"""Whether an application answers its health page, as cicd-converge asks it."""

import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.host.test_converge import functions

WHOLE = "HTTP/1.1 {} Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.fixture
def page() -> Iterator[socket.socket]:
    """Where one request is waited for."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def asked(page: socket.socket, answer: str) -> tuple[str, str]:
    """Return how `answers` ends and which status it keeps, where *answer* is all that comes."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = page.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer.encode())
            if not answer.endswith("ok"):
                over.wait(20)

    threading.Thread(target=serve, daemon=True).start()
    code = f"HEALTH_URL=http://127.0.0.1:{page.getsockname()[1]}/health\n"
    code += 'if answers; then echo "well $http"; else echo "ill $http"; fi'
    said = subprocess.run(["dash", "-c", functions() + code], capture_output=True, text=True, check=True)
    over.set()
    how, status = said.stdout.split()
    return how, status


@pytest.mark.parametrize("status", ["200", "204", "302"])
def test_a_page_that_answers_is_well(page, status):
    assert asked(page, WHOLE.format(status)) == ("well", status)


@pytest.mark.parametrize("status", ["404", "500", "503"])
def test_one_that_answers_with_an_error_is_ill_and_its_status_is_kept(page, status):
    assert asked(page, WHOLE.format(status)) == ("ill", status)


def test_one_that_begins_an_answer_and_hangs_is_ill(page):
    assert asked(page, "HTTP/1.1 200 Said\r\nContent-Length: 2\r\n\r\n")[0] == "ill"


def test_one_that_nobody_serves_is_ill(page):
    port = page.getsockname()[1]
    page.close()
    code = f"HEALTH_URL=http://127.0.0.1:{port}/health\nanswers"

    assert subprocess.run(["dash", "-c", functions() + code], check=False).returncode == 1
