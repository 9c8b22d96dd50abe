"""A deploy is marked in Grafana's graphs, by a stand-in that speaks its `/api/annotations`."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cicd.clients import grafana
from cicd.errors import ReceiverBusy
from cicd.notice_targets import NoticeTarget

TOKEN = "grafana-token"


class StandIn(BaseHTTPRequestHandler):
    """Keeps annotations as Grafana does: a moment in milliseconds, a text, and tags."""

    kept: list[dict[str, object]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/grafana/api/annotations" or self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._answer(401, {"message": "invalid API key"})
        if not isinstance(body.get("time"), int) or not body.get("text"):
            return self._answer(400, {"message": "Failed to save annotation"})
        self.kept.append(body)
        self._answer(200, {"message": "Annotation added", "id": len(self.kept)})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    StandIn.kept.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), StandIn) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/grafana/"
        server.shutdown()


def mark(url: str, folder, token: str = TOKEN) -> None:
    (folder / "token").write_text(token)
    target = NoticeTarget("graphs", "grafana", url=url, token_file=str(folder / "token"))
    grafana.mark(target, ["greeter: <b>1.0</b> runs"], "https://st2/e?a&b", 1700000000.5, ("cicd", "greeter"))


def test_a_mark_has_the_moment_the_tags_and_harmless_text(url, tmp_path):
    mark(url, tmp_path)

    assert StandIn.kept == [
        {
            "time": 1700000000500,
            "tags": ["cicd", "greeter"],
            "text": "greeter: &lt;b&gt;1.0&lt;/b&gt; runs\n"
            '<a href="https://st2/e?a&amp;b">https://st2/e?a&amp;b</a>',
        }
    ]


def test_a_token_that_grafana_does_not_take_is_tried_again_and_not_shown(url, tmp_path):
    with pytest.raises(ReceiverBusy, match="answered 401") as refused:
        mark(url, tmp_path, token="another-token")

    assert "another-token" not in str(refused.value)
