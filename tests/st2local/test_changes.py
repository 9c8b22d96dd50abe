"""What files describe is switched on and off; any other change is refused by name, and nothing is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.local import Local
from tests.conformance.rest import Rest

Running = tuple[Local, Rest]


@pytest.mark.parametrize("path", ["/rules/probe.on_hook", "/rules/views/probe.on_hook"])
def test_a_rule_is_switched_off_by_who_sends_all_of_it(running: Running, path: str) -> None:
    rest = running[1]
    rule = rest.get(path)
    answer = rest.ask("PUT", f"/rules/{rule['id']}", {**rule, "enabled": False})
    assert (answer.status_code, answer.json()["enabled"]) == (200, False)
    assert rest.ask("PUT", "/rules/probe.on_hook", {"enabled": True}).json()["enabled"] is True


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("PUT", "/rules/probe.on_hook", {"enabled": True, "criteria": {}}, "criteria of probe.on_hook"),
        ("PUT", "/rules/probe.on_hook", {"enabled": "no"}, "enabled"),
        ("PUT", "/actions/probe.chain", {"enabled": True, "data_files": []}, "data_files of probe.chain"),
        ("PUT", "/sensortypes/probe.ProbeSensor", {"poll_interval": 9}, "poll_interval"),
        ("POST", "/rules", {"pack": "probe", "name": "new"}, "The rule probe.new"),
        ("POST", "/actions", {"pack": "probe", "name": "new"}, "The action probe.new"),
        ("POST", "/actionalias", {}, "The action alias"),
        ("DELETE", "/rules/probe.on_hook", None, "The rule probe.on_hook"),
        ("DELETE", "/actions/probe.echo", {"remove_files": True}, "The action probe.echo"),
        ("POST", "/actions/probe.echo/clone", {"dest_pack": "probe"}, "The action probe.echo"),
        ("POST", "/packs/install", {"packs": ["aws", "azure"]}, "The pack aws, azure"),
        ("POST", "/packs/uninstall", {"packs": ["probe"]}, "The pack probe"),
        ("POST", "/packs/probe/uninstall", None, "The pack probe"),
    ],
)
def test_any_other_change_is_refused_by_name(
    running: Running, method: str, path: str, body: Any, named: str
) -> None:
    rest = running[1]
    before = rest.get("/rules/probe.on_hook"), rest.get("/actions/probe.chain")
    answer = rest.ask(method, path, body)
    assert answer.status_code == 400
    assert named in answer.json()["faultstring"]
    assert "st2local" in answer.json()["faultstring"]
    assert (rest.get("/rules/probe.on_hook"), rest.get("/actions/probe.chain")) == before


def test_what_is_not_there_cannot_be_deleted(running: Running) -> None:
    assert running[1].ask("DELETE", "/rules/probe.none").status_code == 404
