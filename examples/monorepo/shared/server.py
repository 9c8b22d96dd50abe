"""What both projects have in common: an HTTP server of a few pages that knows which version it is."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REVISION = Path(__file__).with_name("REVISION")


def serve(pages):
    """Serve *pages*, functions that return a text, by path; `/health` and `/version` are there anyway."""
    address = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    handler = type("Handler", (Handler,), {"pages": {**pages, "/health": health, "/version": version}})
    ThreadingHTTPServer(address, handler).serve_forever()


def health():
    """Say that this process answers."""
    return "ok\n"


def version():
    """Say what runs here."""
    said = REVISION.read_text().split() if REVISION.exists() else ["version=unknown", "commit=unknown"]
    return json.dumps(dict(line.split("=", 1) for line in said))


class Handler(BaseHTTPRequestHandler):
    """Answers what is in `pages`."""

    pages = {}

    def do_GET(self):
        """Answer one request."""
        page = self.pages.get(self.path.partition("?")[0])
        body = (page() if page else "not found\n").encode()
        self.send_response(200 if page else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep quiet: the proxy in front logs requests."""
