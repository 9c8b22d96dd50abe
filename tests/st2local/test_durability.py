"""A server that is killed loses nothing: what ran carries on when it starts again."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import httpx

from tests.conformance.local import Local

COMPLETE = {"two": "two", "three": ["a", "b", "c"], "four": "four"}


def _server(directory: Path) -> Local:
    return Local(directory, launcher=["-m", "tests.st2local.dying_server"])


def _count_steps(directory: Path) -> int:
    """Run the six-step workflow once and return how often something of it was kept."""
    server = _server(directory)
    server.environment = {"MARK_COMMITS": str(directory / "marks")}
    rest = server.start()
    assert rest.run("probe.six")["result"]["output"] == COMPLETE
    time.sleep(0.3)
    server.stop()
    return int((directory / "marks").read_text())


def _die(server: Local, step: int) -> None:
    """Start the workflow on a server that dies after `step` commits."""
    server.environment = {"DIE_AFTER_COMMITS": str(step)}
    rest = server.start()
    with contextlib.suppress(httpx.HTTPError):
        rest.start("probe.six")
    server.wait_for_death()
    server.environment = {}


def test_a_workflow_survives_a_kill_after_steps_that_were_kept(tmp_path: Path) -> None:
    total = _count_steps(tmp_path / "count")
    assert total > 20
    every = int(os.environ.get("KILL_EVERY", total // 4))
    for step in range(1, total, every):
        server = _server(tmp_path / str(step))
        _die(server, step)
        rest = server.start()
        (identifier,) = [one["id"] for one in rest.get("/executions?action=probe.six")]
        found = rest.wait(identifier, seconds=30)
        assert found["status"] == "succeeded", (
            step,
            found["result"],
            rest.children(identifier)[-1]["result"],
        )
        assert found["result"]["output"] == COMPLETE, step
        assert {one["status"] for one in rest.children(identifier)} == {"succeeded"}, step
        server.stop()


def test_an_action_that_ran_is_run_again(local: Local) -> None:
    rest = local.start()
    identifier = rest.start("probe.echo", {"how": "sleep", "value": "1"})["id"]
    rest.wait(identifier, ("running",))
    local.kill()
    found = local.start().wait(identifier)
    assert found["status"] == "succeeded"
    assert found["result"]["result"] == "slept"


def test_a_clean_stop_ends_at_once_and_loses_nothing(local: Local) -> None:
    rest = local.start()
    identifier = rest.start("probe.echo", {"how": "sleep", "value": "2"})["id"]
    rest.wait(identifier, ("running",))
    assert local.stop() == 0
    found = local.start().wait(identifier)
    assert found["status"] == "succeeded"


def test_what_is_delayed_waits_for_an_answer_or_is_paused_stays_so(local: Local) -> None:
    rest = local.start()
    asking = rest.start("probe.ask")["id"]
    rest.wait(asking, ("paused",))
    delayed = rest.start("core.noop", delay=600000)["id"]
    local.kill()
    rest = local.start()
    assert rest.get(f"/executions/{delayed}")["status"] == "delayed"
    child = rest.children(asking)[0]["id"]
    answer = rest.ask("PUT", f"/inquiries/{child}", {"id": child, "response": {"go": True}})
    assert answer.status_code == 200, answer.text
    assert rest.wait(asking)["result"]["output"] == {"go": True}


def test_history_keys_and_api_keys_stay(local: Local) -> None:
    rest = local.start()
    identifier = rest.run("probe.echo", {"how": "print", "value": "kept"})["id"]
    rest.ask("PUT", "/keys/kept", {"name": "kept", "value": "secret", "secret": True})
    key = rest.ask("POST", "/apikeys", {}).json()["key"]
    local.kill()
    rest = local.start()
    assert rest.get(f"/executions/{identifier}")["result"]["stdout"] == "kept 0\n"
    assert rest.get("/keys/kept?decrypt=true")["value"] == "secret"
    assert rest.ask("GET", "/user", headers={"X-Auth-Token": "", "St2-Api-Key": key}).status_code == 200


def test_an_event_that_was_taken_is_not_lost(local: Local) -> None:
    rest = local.start()
    for number in range(20):
        headers = {"X-Probe": "go", "St2-Trace-Tag": f"event {number}"}
        assert rest.ask("POST", "/webhooks/probe/hook", {"word": "w"}, headers=headers).status_code == 202
    local.kill()
    rest = local.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = rest.get("/executions?action=probe.chain&limit=50")
        if len(found) == 20 and {one["status"] for one in found} == {"succeeded"}:
            return
        time.sleep(0.1)
    raise AssertionError([(one["id"], one["status"]) for one in found])
