"""The two ends of the wire: a StackStorm that records what arrives, and senders of events."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import requests

COMMIT = "a" * 40
SECRETS = ["old-secret-of-github", "new-secret-of-github"]
TOKEN = "the-token-of-jenkins"
KEY = "the-api-key-of-stackstorm"


class StackStorm(ThreadingHTTPServer):
    """A webhook endpoint: `answers` are its next statuses (then 202), `got` what it accepted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook, bind_and_activate=False)
        self.server_bind()
        self.calls: list[int] = []
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[int] = []
        self.before_answer: Callable[[], object] = lambda: None
        self.after_answer: Callable[[], object] = lambda: None
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Be up within this context; before it, connections are refused."""
        self.server_activate()
        thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        thread.start()
        yield
        self.shutdown()
        thread.join()

    @property
    def commits(self) -> list[str]:
        """Return the commits of the pushes that were accepted, in order."""
        return [body["after"] for _, _, body in self.got]


class Hook(BaseHTTPRequestHandler):
    """One webhook call."""

    server: StackStorm
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.answers.pop(0) if self.server.answers else 202
        self.server.calls.append(status)
        if status == 202:
            self.server.got.append((self.path, dict(self.headers), body))
        self.server.before_answer()
        answer = b'{"faultstring": "no such trigger"}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.server.after_answer()

    def handle(self) -> None:
        # The gateway's process may be killed while it is connected.
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass


class Addressed(Protocol):
    """Whatever listens at `url`."""

    url: str


def push(**changes: object) -> bytes:
    """Return the body of a push to acme/greeter, with free text in it."""
    event = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": COMMIT,
        "deleted": False,
        "compare": "https://github.com/acme/greeter/compare/a...b",
        "repository": {"name": "greeter", "full_name": "acme/greeter", "description": "{{ 7 * 7 }}"},
        "pusher": {"name": "ann", "email": "ann@example.com"},
        "head_commit": {
            "id": COMMIT,
            "timestamp": "2026-11-24T12:00:00+01:00",
            "message": "<% ctx() %> [skip deploy]",
            "author": {"name": "{{ 7 * 7 }}"},
        },
        "commits": [{"id": COMMIT, "message": "<% ctx() %>", "added": ["app/main.py", "{{ 7 * 7 }}"]}],
    }
    return json.dumps({**event, **changes}).encode()


def callback(**changes: object) -> bytes:
    """Return the body of a callback of Jenkins' Notification plugin."""
    build = {
        "number": 7,
        "phase": "FINALIZED",
        "status": "SUCCESS",
        "full_url": "http://jenkins:8080/job/greeter/7/",
        "log": "{{ 7 * 7 }}",
        "scm": {"commit": COMMIT, "branch": "main", "changes": ["x"]},
        "parameters": {"PROJECT": "greeter", "COMMIT": COMMIT, "TRACE": f"acme/greeter@{COMMIT}", "X": "y"},
    }
    return json.dumps({"name": "greeter", "url": "job/greeter/", "build": {**build, **changes}}).encode()


def signed(body: bytes, secret: str = SECRETS[0]) -> str:
    """Return the value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def deliver(to: Addressed, body: bytes, delivery: str = "d1", kind: str = "push", **headers: str):
    """Post *body* as GitHub does."""
    given = {"X-GitHub-Event": kind, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": signed(body)}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{to.url}/github", data=body, headers=given, timeout=10)


def call_back(to: Addressed, body: bytes, token: str = TOKEN, path: str = "jenkins"):
    """Post *body* as Jenkins does."""
    return requests.post(f"{to.url}/{path}", data=body, headers={"X-Cicd-Token": token}, timeout=10)


def eventually(question: Callable[[], object], seconds: float = 20, pause: float = 0.01) -> None:
    """Return once *question*, asked every *pause* seconds, is true."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(pause)
