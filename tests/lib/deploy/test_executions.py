"""Which executions go no further, and what ends them."""

from dataclasses import replace

import pytest

from cicd.clients.stackstorm import StackStorm
from cicd.deploy import executions
from cicd.deploy.executions import Execution, Stuck, judge, parsed
from cicd.errors import CicdError

NOW = 1_000_000.0
DOCUMENT = {
    "id": "5f0c00000000000000000001",
    "action": {"ref": "cicd.publish_package", "parameters": {"timeout": {"type": "integer", "default": 900}}},
    "runner": {"name": "python-script"},
    "status": "running",
    "start_timestamp": "2026-11-28T22:00:00.000000Z",
    "log": [
        {"status": "requested", "timestamp": "2026-11-28T22:00:00.000000Z"},
        {"status": "running", "timestamp": "2026-11-28T22:10:00Z"},
    ],
    "parameters": {"project": "greeter", "generation": "7"},
    "parent": "5f0c00000000000000000000",
}


def step(status: str = "running", age: float = 0, action: str = "cicd.promote_canary") -> Execution:
    return Execution("step", action, status, NOW - age, parent="flow", project="greeter", generation=7)


def flow(age: float) -> Execution:
    return Execution("flow", "cicd.deploy_production", "running", NOW - age, is_workflow=True)


def found(*given: Execution, last_step: float = 0, silent: bool = False) -> dict[str, Stuck]:
    stuck = judge(given, NOW, lambda identifier: last_step, lambda one: silent)
    return {one.execution.id: one for one in stuck}


@pytest.mark.parametrize("status", ["running", "canceling", "pausing"])
def test_a_step_is_dead_when_its_runner_must_have_ended_it(status):
    assert not found(step(status, age=600))
    assert found(step(status, age=721))["step"].is_dead


def test_a_rollout_without_a_sign_of_life_is_dead_long_before_its_time_is_over():
    rollout = replace(step(age=130, action="cicd.update_hosts"), limit=3600)

    assert not found(rollout)
    assert "no sign of life" in found(rollout, silent=True)["step"].why


def test_a_workflow_is_dead_when_no_step_of_it_runs_and_none_begins():
    assert found(flow(age=301))["flow"].is_dead
    assert not found(flow(age=301), last_step=NOW - 299), "its engine may be about to begin the next step"
    assert not found(flow(age=9000), step(age=599)), "a step of it runs"
    assert not found(flow(age=299))


def test_what_waits_its_turn_is_named_and_never_ended():
    for status in ("requested", "delayed"):
        assert not found(step(status, age=600))
        assert not found(step(status, age=601))["step"].is_dead


def test_what_was_given_to_a_runner_and_not_begun_in_ten_minutes_is_dead():
    assert not found(step("scheduled", age=600))
    assert found(step("scheduled", age=601))["step"].is_dead


def test_a_stuck_execution_is_said_with_the_one_command_that_ends_it():
    said = found(step("delayed", age=7200))["step"].said

    assert said == (
        "cicd.promote_canary for greeter is delayed, and no runner took it for 2 h: "
        "it ends by `st2 execution cancel step`"
    )
    assert "ended within minutes" in found(step(age=7200))["step"].said


def test_stackstorms_documents_say_since_when_a_status_is_and_when_a_runner_ends_it():
    one = parsed(DOCUMENT)

    assert (one.action, one.project, one.generation) == ("cicd.publish_package", "greeter", 7)
    assert one.limit == 900
    assert parsed({**DOCUMENT, "parameters": {"timeout": 30}}).limit == 30
    assert one.since - parsed({**DOCUMENT, "log": []}).since == 600


def test_dead_executions_are_cancelled_and_those_that_are_being_cancelled_are_finished():
    asked: list[tuple[str, str]] = []

    class Recording(StackStorm):
        def cancel(self, identifier: str) -> bool:
            asked.append(("cancel", identifier))
            return True

        def finish_canceling(self, identifier: str) -> bool:
            asked.append(("finish", identifier))
            return True

    statuses = ("running", "scheduled", "canceling", "delayed")
    dead = [Stuck(replace(step(s), id=s), "it died", s != "delayed") for s in statuses]

    assert len(executions.end(dead, Recording({}))) == 3
    assert asked == [("cancel", "running"), ("cancel", "scheduled"), ("finish", "canceling")]


def test_what_stackstorm_does_not_end_keeps_nothing_else_from_its_end_and_is_not_said_to_be_ended():
    class Refusing(StackStorm):
        def _ask(self, method: str, path: str, query: object, body: object = None) -> object:
            if path.endswith("/lost"):
                return {"faultstring": "Action cannot be canceled. State = failed."}
            if path.endswith("/gone"):
                raise CicdError("Bad Request")
            return {"status": "canceled"}

    dead = [Stuck(replace(step(), id=name), "it died") for name in ("lost", "gone", "other")]

    assert executions.end(dead, Refusing({})) == ["cicd.promote_canary other was running, it died"]


def test_what_could_not_be_ended_in_a_day_is_no_news():
    assert found(step(age=86_400))
    assert not found(step(age=86_401))


def test_no_more_than_four_stuck_executions_are_named(monkeypatch):
    stuck = [Stuck(step(age=7200), "it died")] * 9
    monkeypatch.setattr(executions, "stuck", lambda *given: stuck)

    said = executions.sentences(None, None, "greeter")

    assert len(said) == 5
    assert said[-1] == "and 5 more executions that go no further"


def test_where_stackstorm_does_not_answer_nothing_is_said_of_executions():
    with pytest.raises(CicdError, match="StackStorm's API did not answer"):
        StackStorm({}).policies()
    with pytest.raises(CicdError, match="StackStorm's API did not answer"):
        StackStorm({"ST2_ACTION_API_URL": "http://127.0.0.1:1/v1"}).policies()


@pytest.mark.parametrize("action", ["cicd.deploy_production", "core.local"])
@pytest.mark.parametrize("enabled", [True, False])
def test_a_policy_that_delays_an_action_of_the_pack_is_named(monkeypatch, action, enabled):
    policy = {
        "ref": "ops.once",
        "policy_type": "action.concurrency",
        "resource_ref": action,
        "enabled": enabled,
    }

    class Answering(StackStorm):
        def executions(self, attributes: str, **filters: str) -> list:
            return []

        def policies(self) -> list:
            return [policy]

    named = [f for f in executions.findings(None, None, Answering({})) if f.what == "policy ops.once"]

    assert bool(named) == (enabled and action.startswith("cicd."))
