"""GitHub that wants less, breaks off or sends what is no zip, by a stand-in that says just that."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cicd.ci_choice import CiChoice
from cicd.clients.github import GitHub
from cicd.clients.github_actions import GitHubActions
from cicd.config import Project, Settings
from cicd.errors import CiAway, CiError, CiSilent, GitHubError
from tests.lib.consul_settings import changed, settings

PROJECT = Project("shop", "acme/shop", ci=CiChoice("github_actions", "ci.yaml"))
COMMIT = "a" * 40
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


class StandIn(BaseHTTPRequestHandler):
    """Answers each path with the status, headers and body that it has for its end."""

    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def do_GET(self) -> None:
        end = next(end for end in self.answers if self.path.partition("?")[0].endswith(end))
        status, headers, body = self.answers[end]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Settings]:
    """A configuration in which GitHub is the stand-in."""
    (tmp_path / "token").write_text("t")
    with ThreadingHTTPServer(("127.0.0.1", 0), StandIn) as stand_in:
        threading.Thread(target=stand_in.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{stand_in.server_port}"
        yield changed(
            settings("http://127.0.0.1:1"), "github", api_url=url, token_file=str(tmp_path / "token")
        )
        stand_in.shutdown()


@pytest.fixture
def server(known: Settings) -> GitHubActions:
    return GitHubActions(known)


def said(status: int, message: str = "", headers: dict[str, str] | None = None) -> tuple:
    return status, headers or {}, json.dumps({"message": message}).encode()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said(403, SECONDARY), CiAway),
        (said(403, SECONDARY, {"Retry-After": "60"}), CiAway),
        (said(403, "API rate limit exceeded", {"X-RateLimit-Remaining": "0"}), CiAway),
        (said(429), CiAway),
        (said(502), CiSilent),
        (said(403, "Resource not accessible by personal access token"), CiError),
    ],
    ids=["secondary, bare", "secondary", "primary", "429", "502", "forbidden"],
)
def test_a_github_that_wants_less_is_asked_again_and_one_that_forbids_is_not(server, answer, error):
    head = json.dumps({"commit": {"sha": COMMIT}}).encode()
    StandIn.answers = {"/branches/main": (200, {}, head), "/dispatches": answer}

    with pytest.raises(CiError) as found:
        server.start(PROJECT, COMMIT, "main")
    assert type(found.value) is error


def test_a_branch_that_nobody_pushed_yet_is_said_to_be_missing(known):
    StandIn.answers = {"/branches/main": said(404, "Branch not found")}

    with pytest.raises(GitHubError, match=r"acme/shop has no branch main at GitHub") as found:
        GitHub(known).head("acme/shop", "main")
    assert found.value.hint.startswith("Push a first commit to it")


def uploaded(body: bytes, headers: dict[str, str] | None = None) -> None:
    one = {"id": 1, "name": "dist", "size_in_bytes": len(body), "expired": False}
    page = json.dumps({"artifacts": [one]}).encode()
    StandIn.answers = {"/runs/7/artifacts": (200, {}, page), "/artifacts/1/zip": (200, headers or {}, body)}


def zipped(text: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.jar", text)
    return packed.getvalue()


def test_a_file_whose_zip_is_damaged_is_named(server):
    uploaded(zipped(b"made").replace(b"made", b"fake"))

    assert server.artifacts(PROJECT, 7) == ["dist/app.jar"]
    with pytest.raises(CiError, match=r"dist/app.jar of run 7 of acme/shop cannot be read .*CRC"):
        server.download(PROJECT, 7, "dist/app.jar", lambda _: None, 100)


def test_a_download_that_breaks_off_is_worth_another_try(server):
    body = zipped(b"made")
    uploaded(body, {"Content-Length": str(len(body) + 1), "Connection": "close"})

    with pytest.raises(CiAway, match="GitHub's answer about acme/shop could not be read completely"):
        server.artifacts(PROJECT, 7)
