"""What people put on a project, take off it, and are refused: in the same words by `st2 run` and in chat."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from st2client.models.config import Config

from cicd import phrases
from demo.stories import PROJECT

GONE = "0.0.1-1.abcdef0"
Parameters = dict[str, str]
Call = tuple[str, Parameters]
LOCK: Call = ("cicd.lock_deploys", {"reason": "db migration"})
UNLOCK: Call = ("cicd.unlock_deploys", {})
FREEZE: Call = ("cicd.freeze", {"reason": "stock-taking"})
THAW: Call = ("cicd.thaw", {})
PIN: Call = ("cicd.pin_version", {"version": "{canary}", "reason": "audit"})
UNPIN: Call = ("cicd.unpin_version", {})
VETO: Call = ("cicd.veto_version", {"version": "{canary}", "reason": "it leaks"})
LIFT: Call = ("cicd.lift_veto", {"version": "{canary}", "reason": "it was another one"})
APPROVE: Call = ("cicd.approve", {"version": "{canary}"})
COMMANDER = {"break_glass": {"incident_commander": ["{user}"]}}
STRANGER = {"access": {"freeze": ["release-engineer"]}}
TWO_APPROVALS = {"projects": {PROJECT: {"approval": {"count": 2}}}}


@dataclass(frozen=True)
class Row:
    """Words and the call they mean, and what both show; *given* in the configuration, after *before*."""

    words: str
    call: Call
    shows: tuple[str, ...]
    given: dict[str, Any] = field(default_factory=dict)
    before: tuple[Call, ...] = ()
    after: tuple[Call, ...] = ()
    fails: bool = False


def refused(words: str, call: Call, *shows: str, **more: Any) -> Row:
    return Row(words, call, shows, fails=True, **more)


BREAK_GLASS: Call = (
    "cicd.break_glass",
    {"version": "{production}", "role": "incident_commander", "reason": "users cannot log in"},
)
SPOKEN_GLASS = "break glass greeter {production} as incident_commander because users cannot log in"
ROWS = {
    "lock": Row(
        "lock greeter because db migration",
        LOCK,
        ("greeter is locked by {user}: db migration",),
        after=(UNLOCK,),
    ),
    "unlock": Row("unlock greeter", UNLOCK, ("greeter is unlocked by {user}",), before=(LOCK,)),
    "unlock what is not locked": refused(
        "unlock greeter", UNLOCK, "greeter has no lock.", "st2 run cicd.get_release project=greeter"
    ),
    "steal": Row(
        "steal lock greeter because ann is away",
        ("cicd.steal_lock", {"reason": "ann is away"}),
        (
            "greeter is locked by {user} now: ann is away",
            "End it: st2 run cicd.unlock_deploys project=greeter",
        ),
        before=(LOCK,),
        after=(UNLOCK,),
    ),
    "steal nothing": refused(
        "steal lock greeter because ann is away",
        ("cicd.steal_lock", {"reason": "ann is away"}),
        "Nothing locks greeter.",
        "Lock it: ",
    ),
    "freeze": Row(
        "freeze greeter because stock-taking",
        FREEZE,
        ("greeter is frozen by {user}: stock-taking",),
        after=(THAW,),
    ),
    "deploy while frozen": refused(
        "deploy production greeter",
        ("cicd.deploy_production", {}),
        "greeter is frozen by {user}: stock-taking.",
        "st2 run cicd.thaw project=greeter",
        before=(FREEZE,),
        after=(THAW,),
    ),
    "thaw": Row("thaw greeter", THAW, ("greeter is thawed by {user}",), before=(FREEZE,)),
    "thaw what is not frozen": refused(
        "thaw greeter", THAW, "greeter has no freeze.", "st2 run cicd.get_release project=greeter"
    ),
    "pin": Row(
        "pin greeter to {canary} because audit",
        PIN,
        ("greeter is pinned to {canary} by {user}: audit",),
        after=(UNPIN,),
    ),
    "unpin": Row("unpin greeter", UNPIN, ("greeter is unpinned by {user}",), before=(PIN,)),
    "unpin what is not pinned": refused("unpin greeter", UNPIN, "greeter has no pin."),
    "veto": Row(
        "veto greeter {canary} because it leaks",
        VETO,
        ("greeter {canary} is vetoed by {user}: it leaks",),
        after=(LIFT,),
    ),
    "veto what nobody published": refused(
        f"veto greeter {GONE} because it leaks",
        ("cicd.veto_version", {"version": GONE, "reason": "it leaks"}),
        f"greeter {GONE} is not in the repository",
    ),
    "lift a veto": Row(
        "lift veto greeter {canary} because it was another one",
        LIFT,
        ("The veto on greeter {canary} is lifted by {user}: it was another one",),
        before=(VETO,),
    ),
    "approve": Row("approve greeter {canary}", APPROVE, ("greeter {canary} is approved by {user}",)),
    "approve what is not a canary": refused(
        f"approve greeter {GONE}",
        ("cicd.approve", {"version": GONE}),
        f"greeter {GONE} cannot be reviewed: the canary is {{canary}} now.",
    ),
    "reject": Row(
        "reject greeter {canary} because it is slow",
        ("cicd.reject", {"version": "{canary}", "reason": "it is slow"}),
        ("greeter {canary} is rejected by {user}: it is slow",),
        after=(APPROVE,),
    ),
    "deploy what is rejected": refused(
        "deploy production greeter",
        ("cicd.deploy_production", {}),
        "greeter {canary} was rejected by {user}: it is slow.",
        "Push a corrected commit",
        before=(("cicd.reject", {"version": "{canary}", "reason": "it is slow"}),),
        after=(APPROVE,),
    ),
    "deploy without the approvals": refused(
        "deploy production greeter",
        ("cicd.deploy_production", {}),
        "greeter {canary} has 1 of 2 approvals ({user}).",
        "st2 run cicd.approve project=greeter version={canary}",
        given=TWO_APPROVALS,
        before=(APPROVE,),
    ),
    "call what others may": refused(
        "freeze greeter because stock-taking",
        FREEZE,
        "{user} may not call cicd.freeze; release-engineer may.",
        "Ask one of them, or change access.freeze",
        given=STRANGER,
    ),
    "break glass without a role": refused(
        SPOKEN_GLASS,
        BREAK_GLASS,
        "Nobody may break the glass: no role is configured.",
        "Add roles under `break_glass`",
    ),
    "break glass": Row(SPOKEN_GLASS, BREAK_GLASS, ("version: {production}",), given=COMMANDER),
    "adopt what has a record": refused(
        "adopt greeter",
        ("cicd.adopt_release", {}),
        "greeter has a release record already",
        "st2 run cicd.get_release project=greeter",
    ),
    "what is deployed": Row(
        "what is deployed for greeter", ("cicd.get_release", {}), ("production: {production}", "next: ")
    ),
    "history": Row("who changed greeter", ("cicd.list_history", {}), ("{user}: ",)),
    "compare": Row("compare greeter", ("cicd.compare_versions", {}), ("greeter {production} -> {canary}: ",)),
    "plan": Row(
        "plan canary greeter {canary}",
        ("cicd.plan_deploy", {"ring": "canary", "version": "{canary}"}),
        ("greeter {canary} to canary",),
    ),
}


def filled(value: Any, facts: dict[str, str]) -> Any:
    """Return *value* with the names of *facts* replaced in every text."""
    if isinstance(value, dict):
        return {key: filled(item, facts) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, facts) for item in value]
    return value.format(**facts) if isinstance(value, str) else value


@pytest.fixture
def facts(world) -> dict[str, str]:
    return {
        "user": world.description["stackstorm"]["user"],
        "canary": world.key(f"{PROJECT}::canary_version"),
        "production": world.key(f"{PROJECT}::version"),
    }


def merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    nested = {k: merged(values[k], v) for k, v in changes.items() if isinstance(values.get(k), dict)}
    return {**values, **changes, **nested}


@contextlib.contextmanager
def configured(stackstorm, changes: dict[str, Any]) -> Iterator[None]:
    """Change the pack's configuration through StackStorm while the block runs."""
    configs = stackstorm.client.managers["Config"]
    values = configs.get_by_id("cicd", params={"show_secrets": "true"}).values
    configs.update(Config(pack="cicd", values=merged(values, changes)))
    try:
        yield
    finally:
        configs.update(Config(pack="cicd", values=values))


def do(stackstorm, calls: tuple[Call, ...], facts: dict[str, str]) -> None:
    for action, parameters in calls:
        ended = stackstorm.run(action, project=PROJECT, **filled(parameters, facts))
        assert ended["status"] == "succeeded", ended["result"]


# One of each kind, for each change; the others are `long`.
FIRST = {"lock", "deploy while frozen", "approve what is not a canary", "call what others may", "plan"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FIRST else pytest.mark.long) for name in ROWS]
)
def test_what_is_said_and_what_is_run_show_the_same_sentence(stackstorm, st2, facts, name):
    row = ROWS[name]
    action, parameters = row.call
    told = {
        "said": lambda: st2.say(filled(row.words, facts)),
        "run": lambda: st2.run(action, project=PROJECT, **filled(parameters, facts)),
    }
    with configured(stackstorm, filled(row.given, facts)) if row.given else contextlib.nullcontext():
        for how, tell in told.items():
            do(stackstorm, row.before, facts)
            shown = tell()
            do(stackstorm, row.after, facts)
            assert f"status: {'failed' if row.fails else 'succeeded'}" in shown, (how, shown)
            assert action in shown
            for sentence in (one.format(**facts) for one in row.shows):
                wanted = phrases.spoken(sentence) if how == "said" else sentence
                assert wanted in shown, (how, shown)


@pytest.mark.parametrize(
    ("ring", "spoken"),
    [
        ("canary", ("rollback greeter", "rollback canary greeter")),
        ("production", ("rollback production greeter",) * 2),
    ],
)
def test_a_ring_goes_back_once_and_then_says_that_there_is_nothing_before(
    world, stackstorm, st2, teller, facts, ring, spoken
):
    first, second = (st2.say(words) for words in spoken)
    ran = st2.run("cicd.rollback", project=PROJECT, ring=ring)
    back = world.key(f"{PROJECT}::{'canary_version' if ring == 'canary' else 'version'}")

    assert "status: succeeded" in first, first
    assert f"version: {back}" in first
    assert back != facts[ring]
    for refusal in (second, ran):
        assert "status: failed" in refusal
        assert f"greeter has no earlier good version on {ring} to roll back to." in refusal
        assert "Push a corrected commit." in refusal
    do(stackstorm, (("cicd.deploy", {"version": "{canary}"}),), facts)
    teller.wait_for_bake()
    do(stackstorm, (("cicd.deploy_production", {}),), facts)
