"""The connection to Consul: what is there, what is not, and what is no Consul at all."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from cicd.clients.consul import Connection
from cicd.errors import ConsulAway, ConsulError
from tests.lib.consul_settings import settings

ANSWERS = {"/v1/kv/cicd/missing": (404, b""), "/v1/kv/cicd/page": (200, b"<html>welcome</html>")}


class Stranger(http.server.BaseHTTPRequestHandler):
    """Something else at Consul's address."""

    def do_GET(self) -> None:
        status, content = ANSWERS[self.path.partition("?")[0]]
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("key", ["cicd/missing", "cicd/page"])
def test_what_is_no_consul_is_not_taken_for_one_without_that_key(stranger, key):
    with pytest.raises(ConsulError, match="is no Consul") as error:
        Connection(settings(stranger)).item(key)
    assert "consul.url" in error.value.hint


def test_no_answer_is_told_from_a_refusal(consul):
    with pytest.raises(ConsulAway, match="does not answer"):
        Connection(settings("http://127.0.0.1:9")).item("cicd/x")
    with pytest.raises(ConsulError, match="refused: 500") as error:
        Connection(settings(consul)).write("cicd/x", "1", cas="soon")
    assert not isinstance(error.value, ConsulAway)


def test_a_key_of_any_characters_is_found_under_its_own_name(consul):
    connection, key = Connection(settings(consul)), "cicd/ä b?c=d&e%2f#1"
    connection.write(key, b"\x00\xff")

    assert connection.keys("cicd/ä") == [key]
    assert (connection.item(key) or {})["Value"] == b"\x00\xff"
    assert connection.remove(key)
    assert connection.item(key) is None


def test_a_write_on_a_condition_says_whether_it_was_made(consul):
    connection = Connection(settings(consul))

    assert connection.write("cicd/once", "1", cas=0)
    assert not connection.write("cicd/once", "2", cas=0)
    assert (connection.item("cicd/once") or {})["Value"] == b"1"
    assert connection.remove("cicd/once")


def test_keys_of_a_session_go_with_it(consul):
    connection = Connection(settings(consul))
    session = connection.begin_session("test", 10)

    assert connection.write("cicd/held", "1", acquire=session)
    assert connection.renew_session(session)
    connection.end_session(session)
    assert connection.item("cicd/held") is None
    assert not connection.renew_session(session)
