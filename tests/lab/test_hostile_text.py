"""Hostile text on its whole way: git, gateway, rule, workflow, Jenkins, console, announcement."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lab.git import event
from lab.jenkins.queue import Queue
from lab.jenkins.server import server
from lab.jenkins.settings import Settings
from tests.conformance.local import ROOT, Local, free_ports
from tests.conformance.rest import COMPLETED, Rest
from tests.gateway.gateways import Process
from tests.gateway.wire import TOKEN, deliver, eventually

REPOSITORY = "acme/greeter"
API_TOKEN, KEPT = "jenkins-api-token-0123", "datastore-secret-4567"
PRODUCT = str(1_234_577 * 7)
HOSTILE = (
    "{{ 1234577 * 7 }} <% 1234577 * 7 %> {{ config_context }} <% ctx() %> {% raw %} {{ st2kv.system.kept }} "
    "<% st2kv('system.kept', decrypt => true) %> $(touch MARK) `touch MARK` ; touch MARK | \x1b[31mred \u202e"
)


@dataclass(frozen=True)
class Whole:
    """Everything from git to StackStorm, in processes of its own but for the Jenkins stand-in."""

    work: Any
    local: Local
    rest: Rest
    gateway: Process

    def push(self, commit: str, before: str) -> None:
        """Tell the gateway what GitHub would tell of the newest commit."""
        made = event.push(self.work.bare, REPOSITORY, event.Update(before, commit, "refs/heads/main"))
        assert deliver(self.gateway, json.dumps(made).encode(), commit[:8]).json()["decision"] == "accepted"

    def ended(self, action: str) -> list[Any]:
        """Return the executions of *action* that have ended."""
        found = self.rest.get(f"/executions/?action={action}&limit=50")
        return [one for one in found if one["status"] in COMPLETED]

    def everything(self) -> str:
        """Return every execution, trigger instance and log line."""
        executions = self.rest.get("/executions/?limit=500&include_attributes=")
        logs = [self.local.log, self.gateway.log.read_text()]
        return json.dumps(executions, ensure_ascii=False) + "".join(logs)


@pytest.fixture
def whole(tmp_path: Path, work, consul: str) -> Iterator[Whole]:
    """A gateway, an st2local with this pack, and the Jenkins stand-in, joined as in production."""
    for name, text in {"api_token": API_TOKEN, "callback_token": TOKEN}.items():
        (tmp_path / name).write_text(text)
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    (port,) = free_ports(1)
    local = Local(tmp_path / "st2local", packs=[ROOT])
    configured = configuration(tmp_path, work, consul, f"http://127.0.0.1:{port}/")
    (local.directory / "configs" / "cicd.yaml").write_text(yaml.safe_dump(configured))
    rest = local.start()
    try:
        kept = {"name": "kept", "value": KEPT, "secret": True, "scope": "system"}
        assert rest.ask("PUT", "/keys/kept", kept).status_code == 200
        key = rest.ask("POST", "/apikeys", {}).json()["key"]
        (tmp_path / "gateway").mkdir()
        gateway = Process(tmp_path / "gateway", f"http://127.0.0.1:{local.api_port}/v1", key)
        with jenkins(tmp_path, port, f"{gateway.url}/jenkins"):
            yield Whole(work, local, rest, gateway)
        gateway.stop()
    finally:
        local.stop()


@contextmanager
def jenkins(folder: Path, port: int, callback: str) -> Iterator[None]:
    """Run the Jenkins stand-in within this context."""
    settings = Settings(
        host="127.0.0.1",
        port=port,
        url=f"http://127.0.0.1:{port}/",
        user="cicd",
        token_file=str(folder / "api_token"),
        jobs=("greeter",),
        folder=str(folder / "jenkins"),
        callback_url=callback,
        callback_token_file=str(folder / "callback_token"),
        protocols="file",
    )
    queue = Queue(settings)
    queue.start()
    http = server(settings, queue)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield
    http.shutdown()
    http.server_close()
    thread.join()


def configuration(folder: Path, work, consul: str, jenkins_url: str) -> dict[str, Any]:
    """Return cicd.yaml."""
    return {
        "consul": {"url": consul},
        "jenkins": {"url": jenkins_url, "token_file": str(folder / "api_token")},
        "source": {"clone_url": str(work.bare)},
        "ssh": {"private_key_file": "none", "known_hosts_file": "none"},
        "repository": {"url": "http://none", "config_file": "none", "gpg_key": "none"},
        "projects": {"greeter": {"repository": REPOSITORY, "branch": "main", "job": "greeter"}},
    }


def hostile_commit(work, mark: Path) -> tuple[str, str]:
    """Commit hostile text wherever git and the build take text; return the commits before and after."""
    text = HOSTILE.replace("MARK", str(mark))
    before = work.commit({"README.md": "x"})
    work.push("main")
    console = f"#!/bin/sh\ncat <<'END'\n{text}\r\n{'x' * 100_000}\n{text}\nEND\nexit 1\n"
    files = {"script/cisetup": "#!/bin/sh\n", "script/cibuild": console, "{{ 1234577 * 7 }}.txt": "x"}
    work.git("config", "user.name", text)
    after = work.commit(files, f"{text}\n\n{'y' * 100_000}\n{text}")
    work.push("main")
    return before, after


def test_hostile_text_is_nowhere_evaluated_and_no_secret_gets_out(whole, tmp_path):
    mark = tmp_path / "owned"
    before, after = hostile_commit(whole.work, mark)
    whole.push(after, before)
    eventually(lambda: whole.ended("cicd.git_push"), 120)
    eventually(lambda: whole.ended("cicd.ci_failure"), 120)
    (failure,) = whole.ended("cicd.ci_failure")

    assert failure["status"] == "succeeded"
    console = whole.rest.get(f"/executions/{failure['id']}")["result"]["output"]["console"]
    assert "1234577 * 7" in console
    assert not re.search(r"\{\{|<%|\{%|\x1b|\u202e|\r", console)
    assert not mark.exists()
    everything = whole.everything()
    assert [word for word in (PRODUCT, KEPT, API_TOKEN, TOKEN) if word in everything] == []
    assert "git_push" in everything
