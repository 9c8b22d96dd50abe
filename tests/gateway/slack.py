"""A stand-in of Slack: it signs what a person presses as Slack does, and takes the answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import requests

from cicd.clients import webhook

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
ANN, BOB, STRANGER = "U024BE7LH", "U024BE7LJ", "U0STRANGER"
BUTTONS = [("approve", "greeter 1.0-1.aaaaaaa canary"), ("rollback", "greeter 1.0-1.aaaaaaa canary")]


class Slack(ThreadingHTTPServer):
    """Slack's side: `answers` is what came to the message's URL."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.answers: list[dict[str, Any]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.blocks = webhook.blocks("greeter: 1.0-1.aaaaaaa runs on canary", BUTTONS)

    @contextmanager
    def answering(self) -> Iterator[Slack]:
        """Take answers within this context."""
        thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        thread.start()
        yield self
        self.shutdown()
        thread.join()
        self.server_close()

    def pressed(self, number: int = 0, user: str = ANN, **changed: Any) -> bytes:
        """Return what Slack sends when *user* presses the button of that *number*."""
        button = self.blocks[1]["elements"][number]
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": "ann"},
            "container": {"type": "message", "channel_id": "C1", "message_ts": "1700000000.000100"},
            "message": {"text": "greeter: 1.0-1.aaaaaaa runs on canary", "blocks": self.blocks},
            "response_url": f"{self.url}/actions/T1/2/secret",
            "actions": [{"type": "button", "action_id": button["action_id"], "value": button["value"]}],
            **changed,
        }
        return urlencode({"payload": json.dumps(payload)}).encode()


class Answers(BaseHTTPRequestHandler):
    """One answer to a message."""

    server: Slack

    def do_POST(self) -> None:
        self.server.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def headers(body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """Return what Slack says beside *body*, by its documentation."""
    moment = str(int(time.time() if at is None else at))
    base = f"v0:{moment}:".encode() + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": signature,
        "Content-Type": "application/x-www-form-urlencoded",
    }


def send(url: str, body: bytes, **changed: Any) -> requests.Response:
    """Send *body* to the gateway at *url*, signed."""
    return requests.post(f"{url}/slack", data=body, headers=headers(body, **changed), timeout=30)
