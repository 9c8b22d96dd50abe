"""What the lab's tests share: a git repository with a past, and a receiver of callbacks."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ann Developer",
    "GIT_AUTHOR_EMAIL": "ann@lab.invalid",
    "GIT_COMMITTER_NAME": "Ann Developer",
    "GIT_COMMITTER_EMAIL": "ann@lab.invalid",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class Work:
    """A clone and its bare repository."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "greeter.git"
        self.clone = folder / "clone"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.bare], check=True)
        subprocess.run(["git", "init", "-q", "-b", "main", self.clone], check=True)

    def git(self, *arguments: str, given: str = "", **environment: str) -> str:
        """Run git in the clone with *given* on its input and return what it says."""
        argv = ["git", "-C", str(self.clone), *arguments]
        variables = {**os.environ, **IDENTITY, **environment}
        done = subprocess.run(argv, env=variables, input=given.encode(), check=True, capture_output=True)
        return done.stdout.decode(errors="replace").strip()

    def commit(
        self, files: dict[str, str | None], message: str = "Change something", **environment: str
    ) -> str:
        """Write *files* (None removes one), executable, commit them and return the commit."""
        for name, text in files.items():
            path = self.clone / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            path.chmod(0o755)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-F", "-", given=message, **environment)
        return self.git("rev-parse", "HEAD")

    def push(self, *refs: str) -> None:
        """Push *refs* to the bare repository."""
        self.git("push", "-q", "--force", str(self.bare), *refs)


class Receiver:
    """An HTTP server that keeps what it is sent."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def bodies(self) -> list[Any]:
        """Return what arrived, as JSON."""
        return [json.loads(body) for _, _, body in self.requests]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture
def wait_for() -> Callable[[Callable[[], Any]], Any]:
    """Return the first true answer to a question; fail after a while."""

    def waiting(question: Callable[[], Any]) -> Any:
        tick = threading.Event()
        for _ in range(600):
            answer = question()
            if answer:
                return answer
            tick.wait(0.05)
        raise AssertionError("it never came true")

    return waiting
