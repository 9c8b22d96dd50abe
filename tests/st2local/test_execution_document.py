"""What an execution says of the event that began it, when files and history have changed since."""

from __future__ import annotations

from typing import Any

import pytest

from st2local.api.execution_document import cause
from st2local.content.registry import Registry
from st2local.engine.execution import Execution
from tests.conformance.local import PROBE

EVENT: dict[str, Any] = {"id": "e", "trigger": "core.st2.other", "trigger_type": "core.st2.webhook"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.of([PROBE])


def begun_by(rule: str) -> Execution:
    shown = {"ref": rule, "name": rule.partition(".")[2]}
    return Execution("core.noop", "noop", "core", {}, {}, rule=shown, trigger_instance={"id": "e"})


def test_an_event_that_is_gone_leaves_its_id(registry: Registry) -> None:
    found = cause(registry, begun_by("probe.on_hook"), {})
    assert (found["trigger_instance"], found["rule"]["ref"]) == ({"id": "e"}, "probe.on_hook")
    assert "trigger" not in found


def test_a_rule_that_waits_for_something_else_now_lends_its_trigger_to_no_event(registry: Registry) -> None:
    trigger = cause(registry, begun_by("probe.on_hook"), {"e": EVENT})["trigger"]
    assert trigger == {
        "ref": "core.st2.other",
        "pack": "core",
        "name": "st2.other",
        "type": "core.st2.webhook",
    }


def test_a_rule_and_a_trigger_type_that_are_gone_are_still_named(registry: Registry) -> None:
    found = cause(registry, begun_by("gone.rule"), {"e": {**EVENT, "trigger_type": "gone.type"}})
    assert found["rule"] == {"ref": "gone.rule", "name": "rule"}
    assert found["trigger_type"] == {"ref": "gone.type", "pack": "gone", "name": "type"}
