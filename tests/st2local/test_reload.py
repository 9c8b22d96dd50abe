"""Packs and configs are read again while the server runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.local import PROBE, Local
from tests.conformance.rest import Rest

WEBHOOK = """name: added
description: Was not there at the start.
enabled: true
trigger:
  type: core.st2.webhook
  parameters: {url: probe/added}
action:
  ref: probe.added
  parameters: {value: new}
"""
TIMER = """name: soon
description: Was not there at the start.
enabled: true
trigger:
  type: core.st2.IntervalTimer
  parameters: {unit: seconds, delta: 1}
action:
  ref: probe.added
  parameters: {value: tick}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    shutil.copytree(PROBE, tmp_path / "probe")
    return tmp_path / "probe"


@pytest.fixture
def server(tmp_path: Path, pack: Path) -> Iterator[Local]:
    found = Local(tmp_path / "server", [pack])
    yield found
    found.stop()


def test_content_configs_timers_and_sensors_are_taken_up_as_their_files_are_now(
    server: Local, pack: Path
) -> None:
    rest = server.start()
    echo = (pack / "actions" / "echo.yaml").read_text()
    (pack / "actions" / "added.yaml").write_text(echo.replace("name: echo", "name: added"))
    (pack / "actions" / "slow.yaml").unlink()
    (pack / "rules" / "added.yaml").write_text(WEBHOOK)
    (pack / "rules" / "soon.yaml").write_text(TIMER)
    (server.directory / "configs" / "probe.yaml").write_text("greeting: other\n")
    sensors = len(rest.get("/triggerinstances?trigger=core.st2.sensor.process_spawn"))
    answer = rest.ask("POST", "/packs/register", {"packs": ["probe"]})
    told = rest.ask("POST", "/webhooks/probe/added", {})

    assert answer.status_code == 200, answer.text
    assert answer.json()["rules"] > 1
    assert rest.get("/configs/probe")["values"] == {"greeting": "other"}
    assert told.status_code == 202
    assert wait_for(lambda: {"new", "tick"} <= values(rest))
    assert rest.ask("GET", "/actions/probe.slow").status_code == 404
    assert len(rest.get("/triggerinstances?trigger=core.st2.sensor.process_spawn")) > sensors


def test_a_file_that_is_wrong_now_is_named_and_changes_nothing(server: Local, pack: Path) -> None:
    rest = server.start()
    (pack / "actions" / "echo.yaml").write_text("name: [\n")
    (server.directory / "configs" / "probe.yaml").write_text("greeting: other\n")
    answer = rest.ask("POST", "/packs/register", {"packs": ["probe"]})

    assert answer.status_code == 400
    assert "echo.yaml" in answer.json()["faultstring"]
    assert rest.run("probe.echo", {"value": "still"})["status"] == "succeeded"
    assert rest.get("/configs/probe")["values"]["greeting"] == "hi"


def values(rest: Rest) -> set[str]:
    found = rest.get("/executions?action=probe.added")
    return {execution["parameters"]["value"] for execution in found}


def wait_for(question: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not question() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(question())
