"""A press in Slack while StackStorm is restarted, or says no: the message promises only what is known."""

import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway import config
from gateway.config import Slack as Settings
from gateway.slack import desk
from tests.gateway import slack
from tests.gateway.gateways import Local, configure
from tests.gateway.slack import ANN, SECRET, Slack
from tests.gateway.wire import eventually

RUNNING = {"id": "e1", "status": "running"}
DONE = {"status": "succeeded", "result": {"output": {"message": "it is done"}}}
BEGUN = "ann: `approve greeter 1.0-1.aaaaaaa` is under way (execution e1)"


class StackStorm(BaseHTTPRequestHandler):
    """A stand-in of StackStorm's API that gives prepared `answers`, the last one again and again."""

    answers: list[tuple[int, object]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._give(201, {"results": [{"execution": RUNNING}]})

    def do_GET(self) -> None:
        self._give(*(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]))

    def _give(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


CASES = [
    ([(503, b"<html>"), (502, {"faultstring": "st2auth"}), (200, RUNNING), (200, DONE)], "it is done"),
    ([(403, b"<html>")], "does not say what became of execution e1 (403)."),
    ([(403, {"faultstring": "no view"})], "does not say what became of execution e1 (403 no view)."),
]


@pytest.mark.parametrize(("answers", "end"), CASES, ids=["restarted", "refused by a proxy", "refused"])
def test_what_goes_on_is_awaited_over_a_restart_and_is_not_begun_twice(tmp_path, monkeypatch, answers, end):
    monkeypatch.setattr(desk, "ASK_EVERY_SECONDS", 0.01)
    prepared = type("Prepared", (StackStorm,), {"answers": list(answers)})
    with Slack().answering() as people, serving(prepared) as url:
        gateway = Local(tmp_path, dataclasses.replace(config.read(configure(tmp_path, url)), port=0))
        with gateway.serving(slack=Settings(SECRET.encode(), "key", {ANN: "ann"}, people.url)):
            slack.send(gateway.url, people.pressed())
            eventually(lambda: len(people.answers) == 2)
            slack.send(gateway.url, people.pressed(), at=time.time() - 60)
            eventually(lambda: len(people.answers) == 3)

    said = [answer["blocks"][-1]["elements"][0]["text"] for answer in people.answers[:2]]
    assert said[0] == BEGUN
    assert said[1].endswith(end)
    assert [line["decision"] for line in gateway.audit] == ["accepted", "duplicate"]
