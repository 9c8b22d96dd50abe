"""A wire to a real Consul that notes the tokens it carries and can answer otherwise for a path."""

from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Wire(ThreadingHTTPServer):
    """Forwards every request to Consul at *url*, but those whose path begins as it is told."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.consul = urlsplit(url).netloc
        self.broken: set[str] = set()
        self.garbled: set[str] = set()
        self.answers: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request there, one answer back."""

    protocol_version = "HTTP/1.1"
    server: Wire

    def do_GET(self) -> None:
        self.server.tokens.add(self.headers["X-Consul-Token"])
        if any(self.path.startswith(path) for path in self.server.broken):
            self.send(500, b"No cluster leader")
            return
        if any(self.path.startswith(path) for path in self.server.garbled):
            self.send(200, b"<html>A proxy is in the way</html>")
            return
        for path, answer in self.server.answers.items():
            if self.path.startswith(path):
                self.send(200, answer)
                return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        there = HTTPConnection(self.server.consul, timeout=10)
        there.request(self.command, self.path, body)
        answer = there.getresponse()
        self.send(answer.status, answer.read())
        there.close()

    do_PUT = do_GET

    def send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
