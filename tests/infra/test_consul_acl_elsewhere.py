"""The ACL policies in a second datacentre that takes them from the first one, as docs/consul.md says."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from cicd.config import Settings
from cicd.release import transitions
from cicd.release.lifecycle import Lifecycle, Stage
from cicd.release.record import Cause
from cicd.store.store import Store
from tests.conftest import agent, free_port
from tests.lib import consul_settings
from tests.lib.store.test_store import build
from tests.printed.texts import page

ROOT = Path(__file__).parents[2]
PROJECT, NODE = "greeter", "web1"
WANTED = f"cicd/{PROJECT}/wanted/eu"


@dataclass
class Server:
    url: str
    process: object
    master: str

    def ask(self, token: str, method: str, path: str, body: object = None, **how: object):
        headers = {"X-Consul-Token": token}
        return requests.request(
            method, f"{self.url}/v1/{path}", headers=headers, timeout=10, json=body, **how
        )

    def token(self, *rules: str) -> str:
        policies = [{"Name": self._policy(one)} for one in rules]
        return self.ask(self.master, "PUT", "acl/token", {"Policies": policies}).json()["SecretID"]

    def _policy(self, rules: str) -> str:
        name = f"policy-{uuid.uuid4()}"
        assert self.ask(self.master, "PUT", "acl/policy", {"Name": name, "Rules": rules}).ok
        return name


def policy(name: str) -> str:
    text = (ROOT / "infra" / "consul" / f"{name}.hcl").read_text()
    return text.replace("PROJECT", PROJECT).replace("NODE", NODE)


def printed(words: str) -> str:
    """Return the settings on the page that have *words*."""
    return next(text.code for text in page(ROOT / "docs" / "consul.md") if words in text.code)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """The datacentre with the record, and another one that takes tokens and policies from it."""
    master, wan = str(uuid.uuid4()), free_port()
    acl = {"enabled": True, "default_policy": "deny", "tokens": {"master": master, "agent": master}}
    with agent(
        tmp_path_factory.mktemp("dc1"), wan, acl=acl, node_name="st2", primary_datacenter="dc1"
    ) as one:
        first = Server(*one, master)
        replication = first.token(printed('intentions = "read"'))
        folder = tmp_path_factory.mktemp("eu")
        (folder / "acl.hcl").write_text(
            printed("enable_token_replication").replace("a token with the policy below", replication)
        )
        with agent(
            folder,
            free_port(),
            also=[folder / "acl.hcl"],
            datacenter="eu",
            node_name=NODE,
            retry_join_wan=[f"127.0.0.1:{wan}"],
            retry_interval_wan="300ms",
        ) as two:
            yield first, Server(*two, master)


def known(server: Server, token: str, folder: Path) -> Settings:
    path = folder / "token"
    path.write_text(token)
    found = consul_settings.changed(consul_settings.settings(server.url), "consul", token_file=str(path))
    rings = Lifecycle((Stage("canary", tag="canary"), Stage("eu", after=("canary",), datacenter="eu")))
    return replace(found, projects={PROJECT: replace(found.project(PROJECT), lifecycle=rings)})


def test_tokens_of_the_first_datacentre_count_in_the_second_one_also_with_the_first_gone(servers, tmp_path):
    first, second = servers
    host = first.token(policy("app-host"))
    stackstorm = first.token(policy("stackstorm"), policy("stackstorm-project"))
    until(lambda: all(second.ask(one, "GET", "acl/token/self").ok for one in (host, stackstorm)))
    settings = known(first, stackstorm, tmp_path)
    store = Store(settings)

    store.change(
        PROJECT,
        "advertise_canary",
        "canary",
        Cause("ann", "try", 1.0),
        lambda r: transitions.advertise_canary(r, build(1), 1.0),
    )

    assert store.elsewhere.copy(settings.project(PROJECT), "eu") is False, "it is there already"
    first.process.send_signal(signal.SIGSTOP)
    try:
        assert "generation=" in second.ask(host, "GET", f"kv/{WANTED}?raw").text
        assert second.ask(host, "PUT", f"kv/cicd/{PROJECT}/hosts/{NODE}", {}).ok
        assert second.ask(host, "PUT", f"kv/{WANTED}", {}).status_code == 403
    finally:
        first.process.send_signal(signal.SIGCONT)


def until(holds) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
