"""HTTP for a stand-in: whole requests go in, one answer comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_BODY = 1_000_000
NO_CONTENT = 204
# A status, text, bytes of a file or what becomes JSON, and further headers.
Answer = tuple[int, Any, dict[str, str]]


class Request(BaseHTTPRequestHandler):
    """One request, with its `command`, `path` and `headers`."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._send(*self.answer(b""))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self._send(413, "too large", {"Connection": "close"})
        else:
            self._send(*self.answer(self.rfile.read(length)))

    def do_DELETE(self) -> None:
        self._send(*self.answer(b""))

    def answer(self, body: bytes) -> Answer:
        """Return the answer to this request."""
        raise NotImplementedError

    def _send(self, status: int, content: Any, headers: dict[str, str]) -> None:
        is_text, is_file = isinstance(content, str), isinstance(content, bytes)
        data = content if is_file else (content if is_text else json.dumps(content)).encode()
        kind = "text/plain" if is_text else "application/json"
        self.send_response(status)
        for name, value in {"Content-Type": f"{kind};charset=utf-8", **headers}.items():
            self.send_header(name, value)
        if status != NO_CONTENT:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != NO_CONTENT:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what came is in the stand-in's own record."""


def server(host: str, port: int, answer: Callable[[Request, bytes], Answer]) -> ThreadingHTTPServer:
    """Return a server that gives each request and its body to *answer*, bound and not yet serving."""

    class Answered(Request):
        def answer(self, body: bytes) -> Answer:
            return answer(self, body)

    return ThreadingHTTPServer((host, port), Answered)
