"""A web application that greets, and says which version, commit and host answered."""

import json
import os
import signal
import socket
import sys
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GREETING = "Hello"
REVISION = Path(__file__).with_name("REVISION")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Greeter</title><style>
body {{ font: 18px/1.6 system-ui, sans-serif; display: grid; place-items: center; min-height: 100vh;
       margin: 0;       background: #f3f6f4; color: #1d2b36 }}
main {{ text-align: center }} h1 {{ font-size: 64px; margin: 0 0 .2em }}
dl {{ display: grid; grid-template-columns: auto auto; gap: .2em 1em; text-align: left }} dt {{ color: #667 }}
dd {{ margin: 0; font-family: ui-monospace, monospace }}
</style></head><body><main><h1>{greeting}</h1><dl>
<dt>version</dt><dd>{version}</dd><dt>commit</dt><dd>{commit}</dd><dt>host</dt><dd>{host}</dd>
</dl></main></body></html>
"""


def about():
    """Return project, version, commit and host of this process."""
    said = {"version": "unknown", "commit": "unknown"}
    if REVISION.exists():
        said.update(line.split("=", 1) for line in REVISION.read_text().split())
    return {"project": "greeter", **said, "host": socket.gethostname()}


class Handler(BaseHTTPRequestHandler):
    """Answers `/`, `/version` and `/health`."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = -1  # one segment an answer: two would wait for each other's acknowledgement

    def do_HEAD(self):
        """Answer one request, without its body."""
        self.do_GET()

    def do_GET(self):
        """Answer one request."""
        answers = {"/": self.page, "/version": self.version, "/health": self.health}
        with self.server.answering:
            answers.get(self.path.partition("?")[0], self.missing)()

    def page(self):
        """Greet a person."""
        facts = {key: escape(value) for key, value in self.server.about.items()}
        self.answer(200, "text/html; charset=utf-8", PAGE.format(greeting=escape(GREETING), **facts))

    def version(self):
        """Say what runs here."""
        self.answer(200, "application/json", json.dumps(self.server.about))

    def health(self):
        """Say whether this process wants requests."""
        wanted = not self.server.stopping
        self.answer(200 if wanted else 503, "text/plain", "ok" if wanted else "stopping")

    def missing(self):
        """Say that there is no such page."""
        self.answer(404, "text/plain", "not found")

    def answer(self, status, kind, text):
        """Send *text*; a stopping server closes the connection, so that no client waits on it."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.server.stopping:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep quiet: the proxy in front logs requests."""


class InFlight:
    """Counts the requests that are being answered."""

    def __init__(self):
        self.count = 0
        self.changed = threading.Condition()

    def __enter__(self):
        with self.changed:
            self.count += 1

    def __exit__(self, *error):
        with self.changed:
            self.count -= 1
            self.changed.notify_all()

    def wait(self, seconds):
        """Wait until none is left, for at most *seconds*."""
        with self.changed:
            self.changed.wait_for(lambda: self.count == 0, seconds)


class Server(ThreadingHTTPServer):
    """One process of the application."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address):
        super().__init__(address, Handler)
        self.about = about()
        self.answering = InFlight()
        self.stopping = False

    def stop(self, *signal_and_frame):
        """Finish what is being answered, then end."""
        self.stopping = True
        threading.Thread(target=self.shutdown).start()


def main():
    """Serve until SIGTERM."""
    address = os.environ.get("GREETER_HOST", "0.0.0.0"), int(os.environ.get("GREETER_PORT", "8080"))
    with Server(address) as server:
        signal.signal(signal.SIGTERM, server.stop)
        server.serve_forever(poll_interval=0.05)
        server.answering.wait(10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
