"""Only what CI passed is packaged and deployed, or what somebody let past: on a real Consul."""

from __future__ import annotations

import pytest
import requests

from cicd.ci import ci_gate
from cicd.ci.ci_gate import CiGate, let_past
from cicd.config import Settings
from cicd.errors import InputError, Refused
from cicd.package.built import Package
from cicd.package.clearance import Clearance
from cicd.package.tree import Tree
from cicd.repository.package_records import Ledger, Record
from cicd.store.store import Store
from tests.lib.consul_settings import settings

COMMIT, NEWER = "a" * 40, "b" * 40
VERSION = "1.0-1.aaaaaaa"
PACKAGE = Package("greeter", VERSION, COMMIT, f"acme/greeter@{COMMIT}", "0" * 64)
ROLES = {"incident_commander": ["ann"]}


@pytest.fixture
def known(consul: str) -> Settings:
    requests.delete(f"{consul}/v1/kv/cicd?recurse", timeout=10).raise_for_status()
    return settings(consul, break_glass=ROLES)


def run_is(known: Settings, stage: str, **more: object) -> None:
    Store(known).put(f"cicd/greeter/runs/{COMMIT}", {"stage": stage, "at": 1.0, **more})


def clearance(known: Settings) -> Clearance:
    return CiGate(known).clearance(known.project("greeter"), COMMIT)


def refuse_deploy(known: Settings) -> None:
    items = CiGate(known).read(ci_gate.version_places("greeter", VERSION, COMMIT))
    ci_gate.refuse_uncleared(items, "greeter", VERSION)


def record(known: Settings, cleared: Clearance) -> None:
    found = Record(PACKAGE, "build1", "nfpm", "http://apt/x", "1" * 64, cleared, Tree())
    Ledger(known).record("greeter", found)


def record_of_an_older_pack(known: Settings) -> None:
    record(known, Clearance(1))
    key = f"cicd/greeter/packages/{VERSION}"
    Store(known).update(key, lambda old: {name: value for name, value in old.items() if name != "ci"})


def break_glass(
    known: Settings, role: str = "incident_commander", who: str = "ann", why: str = "fire"
) -> None:
    let_past(known, known.project("greeter"), COMMIT, role, why, who)


def test_a_commit_that_ci_passed_is_cleared_by_its_build(known):
    run_is(known, "passed", build=7)

    assert clearance(known) == Clearance(7)


@pytest.mark.parametrize(
    ("run", "message", "hint"),
    [
        ({}, "No run of greeter knows aaaaaaa", "cicd.git_push project=greeter commit=aaaa"),
        ({"stage": "failed", "status": "FAILURE"}, r"did not pass .* \(FAILURE\)", "Push a corrected"),
        ({"stage": "failed"}, "did not pass greeter at aaaaaaa; nothing", "cicd.git_push"),
        ({"stage": "superseded", "by": NEWER}, "superseded by bbbbbbb", f"commit={NEWER}"),
        *(({"stage": s}, f"it is {s}", "Wait") for s in ("accepted", "waiting", "starting", "building")),
    ],
)
def test_every_other_commit_is_refused_with_what_to_do(known, run, message, hint):
    if run:
        run_is(known, **run)

    with pytest.raises(Refused, match=message) as refused:
        clearance(known)
    assert hint in refused.value.hint


def test_a_broken_glass_clears_just_that_commit_of_that_project_and_is_in_the_history(known):
    run_is(known, "failed")
    break_glass(known)
    (entry,) = Store(known).history("greeter", 10)

    assert (clearance(known).passed, clearance(known).who, clearance(known).why) == (False, "ann", "fire")
    assert entry["what"] == "publish_past_ci"
    assert (entry["who"], entry["why"]) == ("ann", "PAST CI as incident_commander: aaaaaaa: fire")
    assert entry["trace"] == f"acme/greeter@{COMMIT}"
    with pytest.raises(Refused):
        CiGate(known).clearance(known.project("greeter"), NEWER)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"who": "eve"}, Refused),
        ({"role": "boss"}, Refused),
        ({"why": " "}, InputError),
        ({"who": ""}, Refused),
    ],
)
def test_nobody_breaks_the_glass_without_role_and_reason(known, given, error):
    with pytest.raises(error):
        break_glass(known, **given)

    assert Store(known).keys("cicd/greeter/") == []


def test_a_version_is_deployed_when_its_record_says_that_ci_passed_it_or_who_let_it_past(known):
    record(known, Clearance(7))
    refuse_deploy(known)
    Store(known).delete(f"cicd/greeter/packages/{VERSION}")
    record(known, Clearance(who="ann", role="incident_commander", why="fire", when=1.0))
    refuse_deploy(known)


def test_a_version_without_a_record_is_not_deployed_even_when_a_commit_of_its_name_passed(known):
    run_is(known, "passed")

    with pytest.raises(Refused, match="was not published by this pipeline"):
        refuse_deploy(known)


def test_a_record_of_an_older_pack_is_decided_by_the_run_of_its_commit(known):
    record_of_an_older_pack(known)
    with pytest.raises(Refused, match="No run of greeter knows aaaaaaa"):
        refuse_deploy(known)
    run_is(known, "failed")
    with pytest.raises(Refused, match="did not pass"):
        refuse_deploy(known)
    run_is(known, "passed")
    refuse_deploy(known)
