"""Bodies that are too much."""

import re
import socket
from contextlib import ExitStack
from urllib.parse import quote_plus

import pytest
import requests

from gateway.body import parse
from tests.gateway.wire import COMMIT, deliver, eventually, push, signed


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 500_000,
        b'{"a":' * 1025 + b"1" + b"}" * 1025,
        b'"' + b'\\"' * 500_000,
    ],
)
def test_what_is_not_json_or_nested_too_deeply_is_named(raw):
    with pytest.raises(ValueError, match=r"^the body is not JSON of at most 1024 levels$"):
        parse(raw)


@pytest.mark.parametrize("raw", [b"[" * 1000 + b"]" * 1000, b'["' + b"[{" * 5_000 + b'\\"[", {}]'])
def test_a_thousand_levels_and_brackets_in_text_are_fine(raw):
    assert parse(raw)


@pytest.mark.parametrize("raw", [b"", b"[]", b'"x"', b"nonsense", b"[" * 10_000])
def test_what_is_no_push_is_ignored_and_the_gateway_lives_on(gateway, stackstorm, raw):
    answer = deliver(gateway, raw)

    assert (answer.status_code, answer.json()["decision"]) == (202, "ignored")
    assert deliver(gateway, push()).json()["decision"] == "accepted"


def test_a_body_over_the_limit_is_refused_with_one_audit_line(gateway):
    assert deliver(gateway, b" " * (25 * 1024**2 + 1)).status_code == 413
    assert [line["reason"] for line in gateway.audit] == ["the body is over 25 MiB"]


def test_a_push_of_two_thousand_long_commits_goes_on(gateway, stackstorm):
    commits = [{"id": COMMIT, "message": "x" * 10_000, "added": [f"{n}.py"]} for n in range(2_000)]

    assert deliver(gateway, push(commits=commits)).json()["decision"] == "accepted"
    eventually(lambda: stackstorm.commits == [COMMIT])


def test_chunks_without_an_end_are_cut_off_at_the_limit(gateway):
    def chunks():
        for _ in range(26):
            yield b" " * 1024**2

    answer = requests.post(f"{gateway.url}/github", data=chunks(), timeout=30)

    assert answer.status_code == 413


def test_of_large_bodies_two_are_read_at_once_and_small_ones_pass(gateway, stackstorm):
    head = b"POST /github HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connected(gateway.url)).sendall(head)
        assert deliver(gateway, push()).json()["decision"] == "accepted"
    assert deliver(gateway, push(after="b" * 40, commits=[{"message": "x" * 2_000_000}])).status_code == 202


def test_a_packed_body_is_not_unpacked(gateway):
    answer = deliver(gateway, push(), Content_Encoding="gzip")

    assert answer.json()["decision"] == "accepted"


def received(url: str, sent: bytes) -> bytes:
    with connected(url) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_a_slow_body_is_cut_off(gateway):
    answer = received(gateway.url, b"POST /github HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")

    assert answer.startswith(b"HTTP/1.1 408")
    assert [line["reason"] for line in gateway.audit] == ["the body came too slowly"]


def test_slow_headers_are_cut_off(gateway):
    assert received(gateway.url, b"POST /github HTTP/1.1\r\nHost: x\r\n") == b""
    assert requests.get(f"{gateway.url}/healthz", timeout=10).ok


def test_whoever_opens_too_many_connections_closes_his_own_oldest(local):
    with local.serving(connections=2), ExitStack() as stack:
        first, second = (stack.enter_context(connected(local.url)) for _ in range(2))
        eventually(lambda: answers(first) and answers(second))
        third = stack.enter_context(connected(local.url))

        assert answers(third)
        assert answers(second)
        assert first.recv(1) == b""
        assert re.search(rb"\ncicd_gateway_connections_closed_total 1\n", asked(third, "metrics"))


@pytest.mark.parametrize("sent", [b"", b"POST /github HTTP/1.1\r\nHost: x\r\n"], ids=["idle", "slow"])
def test_a_crowd_of_connections_that_send_nothing_whole_keeps_no_push_out(local, stackstorm, sent):
    with local.serving(read_seconds=60, connections=64), ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(connected(local.url)).sendall(sent)
        codes = [deliver(local, push(after=f"{n:040x}"), f"d{n}").status_code for n in range(30)]

    assert codes == [202] * 30


def test_slow_bodies_keep_no_push_out(local, stackstorm):
    head = b"POST /github HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
    with local.serving(read_seconds=60, connections=16), ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(local.url)).sendall(head)

        assert deliver(local, push()).status_code == 202


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def answers(connection: socket.socket) -> bool:
    return asked(connection, "healthz").startswith(b"HTTP/1.1 200")


def asked(connection: socket.socket, path: str) -> bytes:
    connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection.recv(65536)


def test_github_may_send_a_form(gateway, stackstorm):
    form = b"x=y&payload=" + quote_plus(push()).encode()
    content_type = "application/x-www-form-urlencoded"
    headers = {"X_Hub_Signature_256": signed(form), "Content_Type": content_type}

    assert deliver(gateway, form, **headers).json()["decision"] == "accepted"
    eventually(lambda: stackstorm.commits == [COMMIT])


@pytest.mark.parametrize("form", [b"", b"payload", b"payload=", b"payload=%7B", b"payload=%zz", b"x=y"])
def test_a_form_without_a_payload_is_ignored(gateway, form):
    headers = {"X_Hub_Signature_256": signed(form), "Content_Type": "application/x-www-form-urlencoded"}

    assert deliver(gateway, form, **headers).json()["decision"] == "ignored"
