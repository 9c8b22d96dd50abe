"""A package index for pip on this machine's network, which keeps account of what is downloaded from it."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WHEEL = "greeting-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """Return the wheel of a library with one module."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("greeting.py", "WORD = 'Hello'\n")
        packed.writestr(
            "greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n"
        )
        packed.writestr(
            "greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr("greeting-1.0.dist-info/RECORD", "")
    return content.getvalue()


PAGES = {
    "/greeting/": f'<!DOCTYPE html><a href="/files/{WHEEL}">{WHEEL}</a>'.encode(),
    f"/files/{WHEEL}": wheel(),
}


class Index(ThreadingHTTPServer):
    """`downloads` are the paths whose content was sent; what a client has already is not sent again."""

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), Page)
        self.downloads: list[str] = []
        self.url = f"http://{address}:{self.server_port}/"


class Page(BaseHTTPRequestHandler):
    """As PyPI, it says how long an answer is good, and by which tag it is known again."""

    server: Index

    def do_GET(self) -> None:
        content = PAGES.get(self.path, b"")
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        known = self.headers.get("If-None-Match") == tag
        self.send_response(304 if known else 200 if content else 404)
        self.send_header("ETag", tag)
        self.send_header("Cache-Control", "max-age=600, public")
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/zip")
        self.send_header("Content-Length", "0" if known else str(len(content)))
        self.end_headers()
        if not known:
            self.server.downloads.append(self.path)
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Index]:
    """Serve the index while the block runs."""
    with Index(network_address()) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def network_address() -> str:
    """Return this machine's address on its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.254", 9))
        return str(probe.getsockname()[0])
