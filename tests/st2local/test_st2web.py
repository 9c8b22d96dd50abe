"""StackStorm's own web UI works with st2local: a real browser walks through it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.conformance.local import PASSWORD, USER, Local
from tests.conformance.rest import Rest
from tests.left_out import needs_st2web
from tests.st2local.requests_of_st2web import asked_for
from tests.st2local.web_ui import WebUi, marked

pytestmark = needs_st2web
STATUS = f"{marked('details')} {marked('status')}"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Local, Rest]]:
    local = Local(tmp_path_factory.mktemp("web"), web=Path(os.environ["ST2WEB"]))
    yield local, local.start()
    local.stop()


@pytest.fixture(scope="module")
def rest(started: tuple[Local, Rest]) -> Rest:
    return started[1]


@pytest.fixture(scope="module")
def ui(started: tuple[Local, Rest]) -> Iterator[WebUi]:
    with Browser() as browser:
        browser.resize(1400, 900)
        found = WebUi(browser, started[0].web_url)
        found.log_in(USER, PASSWORD)
        yield found


def row(identifier: str) -> str:
    return marked(f"execution:{identifier}")


def newest(rest: Rest, query: str) -> str:
    """Return the id of the newest execution that fits."""
    return str(rest.get(f"/executions?limit=1&include_attributes=id&{query}")[0]["id"])


def test_a_new_run_appears_by_itself_and_ends_before_ones_eyes(ui: WebUi, rest: Rest) -> None:
    ui.show("/history")
    identifier = rest.start("core.local", {"cmd": "sleep 3; echo over"})["id"]
    ui.wait_for(row(identifier))
    ui.show(f"/history/{identifier}")
    ui.see_in(STATUS, "Running")
    ui.see_in(STATUS, "Succeeded")
    ui.see_in(marked("action_output"), "over")


def test_a_run_of_a_rule_names_its_event_and_is_found_by_it(ui: WebUi, rest: Rest) -> None:
    rest.ask("POST", "/webhooks/probe/hook", {"word": "seen"}, headers={"X-Probe": "go"})
    identifier = rest.wait(rest.first("/executions?rule=on_hook")["id"])["id"]
    by_hand = rest.run("core.noop")["id"]
    ui.show("/history?rule=on_hook&trigger_type=st2.webhook")
    ui.wait_for(row(identifier))
    assert not ui.browser.run("return !!document.querySelector(arguments[0])", row(by_hand))
    ui.show(f"/history/{identifier}")
    ui.see("Says what the hook was told.", "core.st2.webhook", "Occurrence")
    ui.click(f"{row(identifier)} i.icon-chevron_right")
    ui.see("probe.echo")


def test_output_is_shown_while_it_is_printed(ui: WebUi, rest: Rest) -> None:
    identifier = rest.start("core.local", {"cmd": "echo begun; sleep 4; echo done"})["id"]
    ui.show(f"/code/live/{identifier}")
    ui.see("begun")
    ui.see("begun\ndone")


def test_an_action_is_run_run_again_and_canceled(ui: WebUi, rest: Rest) -> None:
    ui.show("/actions/core.local")
    ui.see_picture("/packs/views/file/probe/icon.png")
    ui.fill(marked("field:cmd"), "sleep 300")
    ui.click(marked("run_submit"))
    ui.see("has been scheduled successfully")
    first = newest(rest, "action=core.local")
    ui.show(f"/history/{first}")
    ui.see(first)
    ui.click(marked("rerun_button"))
    ui.click(marked("rerun_submit"))
    ui.see("has been rerun successfully")
    second = newest(rest, "action=core.local")
    assert rest.get(f"/executions/{second}")["context"]["re-run"] == {"ref": first}
    for identifier in (first, second):
        ui.show(f"/history/{identifier}")
        ui.see(identifier)
        ui.see_in(STATUS, "Running")
        ui.press("Cancel")
        assert rest.wait(identifier)["status"] == "canceled"
        ui.see_in(STATUS, "Canceled")


def test_an_inquiry_is_answered(ui: WebUi, rest: Rest) -> None:
    asking = rest.start("probe.ask")["id"]
    rest.wait(asking, ("paused",))
    inquiry = newest(rest, "runner=inquirer")
    ui.show(f"/inquiry/{inquiry}")
    ui.click(f"{marked('inquiry_parameters')} input")
    ui.click(marked("run_response"))
    ui.see("has been responded successfully")
    assert rest.wait(asking)["result"]["output"] == {"go": True}


def test_packs_are_shown_and_cannot_be_removed(ui: WebUi, rest: Rest) -> None:
    ui.show("/packs/probe")
    ui.see("Small actions, workflows and rules", "actions: ", "sensors: 1")
    ui.press("Remove")
    ui.see('Unable to schedule pack "probe" for removal')
    assert rest.get("/packs/probe")["ref"] == "probe"


def test_a_rule_is_shown_and_switched_and_no_change_of_it_is_pretended(ui: WebUi, rest: Rest) -> None:
    before = rest.get("/rules/probe.on_hook")
    ui.show("/rules/probe.on_hook")
    ui.see("Says what the hook was told.", "core.st2.webhook")
    ui.click(marked("edit_button"))
    ui.click(marked("save_button"))
    ui.click(".st2-forms__switch input")
    ui.browser.run("window.confirm = () => true")
    ui.click(marked("delete_button"))
    ui.see("Unable to delete rule")
    assert {**rest.get("/rules/probe.on_hook"), "enabled": True} == before


def test_triggers_and_their_instances_are_shown(ui: WebUi, rest: Rest) -> None:
    ui.show("/triggers/probe.ticked")
    ui.see("probe.ProbeSensor")
    ui.show("/triggers/probe.ticked/instances")
    ui.see_in(marked("trigger_instances"), "Processed")


def test_a_workflow_is_drawn_and_no_change_of_it_is_pretended(ui: WebUi) -> None:
    ui.show("/action/probe.chain")
    ui.see("probe.echo")


def test_the_browser_asks_nothing_that_is_not_asked_without_it(ui: WebUi) -> None:
    assert {one for one, _ in ui.asked()} <= asked_for()
