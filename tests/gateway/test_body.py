"""Bodies that are too much."""

import socket

import pytest
import requests

from gateway.body import parse
from tests.gateway.wire import deliver, push


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 500_000,
        b'{"a":' * 41 + b"1" + b"}" * 41,
        b'"' + b'\\"' * 500_000,
        b"1" * 5_000,
    ],
)
def test_what_is_not_json_or_nested_too_deeply_is_named(raw):
    with pytest.raises(ValueError, match=r"^the body is (not JSON|nested too deeply)$"):
        parse(raw)


@pytest.mark.parametrize("raw", [b"[" * 40 + b"]" * 40, b'["' + b"[{" * 100 + b'\\"[", {}]'])
def test_forty_levels_and_brackets_in_text_are_fine(raw):
    assert parse(raw)


@pytest.mark.parametrize("raw", [b"", b"[]", b'"x"', b"nonsense", b"[" * 10_000])
def test_what_is_no_push_is_ignored_and_the_gateway_lives_on(gateway, stackstorm, raw):
    answer = deliver(gateway, raw)

    assert (answer.status_code, answer.json()["decision"]) == (202, "ignored")
    assert deliver(gateway, push()).json()["decision"] == "accepted"


def test_a_body_over_the_limit_is_refused_with_one_audit_line(gateway):
    assert deliver(gateway, b" " * (1024**2 + 1)).status_code == 413
    assert [line["reason"] for line in gateway.audit] == ["the body is over 1 MiB"]


def test_a_packed_body_is_not_unpacked(gateway):
    answer = deliver(gateway, push(), Content_Encoding="gzip")

    assert answer.json()["decision"] == "accepted"


def received(url: str, sent: bytes) -> bytes:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_a_slow_body_is_cut_off(gateway):
    answer = received(gateway.url, b"POST /github HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")

    assert answer.startswith(b"HTTP/1.1 408")
    assert [line["reason"] for line in gateway.audit] == ["the body came too slowly"]


def test_slow_headers_are_cut_off(gateway):
    assert received(gateway.url, b"POST /github HTTP/1.1\r\nHost: x\r\n") == b""
    assert requests.get(f"{gateway.url}/healthz", timeout=10).ok
