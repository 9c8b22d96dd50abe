"""Stands between a driver and its cloud: loses answers, refuses, or shows what was made only later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

MOMENTARY = {"connection", "transfer-encoding", "content-length", "content-encoding", "date", "server"}


@dataclass(frozen=True)
class Answer:
    """What a request is answered; a status of 0 is a connection that breaks."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Trouble:
    """The next *times* requests that are *meant* get *answer*; *late* ones reach the cloud all the same."""

    meant: Callable[[str, bytes], bool]
    answer: Answer
    late: bool = False
    times: int = 1


class Between:
    """A server in front of the one at *cloud*, whose URL drivers are given."""

    def __init__(self, cloud: str) -> None:
        self.cloud = cloud
        self.trouble: list[Trouble] = []
        self.asked: list[tuple[str, str, bytes]] = []
        handler = type("Handler", (Handler,), {"between": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def next_trouble(self, method: str, body: bytes) -> Trouble | None:
        for trouble in self.trouble:
            if trouble.times and trouble.meant(method, body):
                trouble.times -= 1
                return trouble
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request, handed on or not."""

    between: Between

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.between.asked.append((self.command, self.path, body))
        trouble = self.between.next_trouble(self.command, body)
        if trouble and not trouble.late:
            self._send(trouble.answer)
            return
        real = self._hand_on(body)
        self._send(trouble.answer if trouble else real)

    do_GET = do_POST = do_DELETE = _handle

    def _hand_on(self, body: bytes) -> Answer:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        url = f"{self.between.cloud}{self.path}"
        got = requests.request(self.command, url, data=body, headers=headers, timeout=60)
        kept = {name: value for name, value in got.headers.items() if name.lower() not in MOMENTARY}
        return Answer(got.status_code, got.text, kept)

    def _send(self, answer: Answer) -> None:
        self.close_connection = True
        if not answer.status:
            return
        data = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        pass
