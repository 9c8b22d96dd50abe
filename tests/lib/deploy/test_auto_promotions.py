"""Which rings are promoted to without anybody asking."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from cicd.deploy import auto_promotions, commands
from cicd.errors import Refused
from cicd.release import holds, transitions
from cicd.release.holds import Hold, Holds
from cicd.release.host import ConsulHost, from_consul
from cicd.release.lifecycle import Lifecycle
from cicd.release.record import Build, Release
from cicd.release.stop import Stop
from cicd.store.datacenter import Datacenter
from cicd.store.snapshot import Snapshot
from tests.lib.consul_settings import settings

RINGS = [
    {"name": "staging", "tag": "staging", "min_bake_seconds": 60},
    {"name": "canary", "tag": "canary", "promote": "auto"},
]
KNOWN = settings("http://127.0.0.1:8500", projects={"web": {"repository": "acme/web", "rings": RINGS}})
WEB = KNOWN.project("web")
CUT_OFF = replace(
    WEB, lifecycle=Lifecycle((WEB.lifecycle.stages[0], replace(WEB.lifecycle.stages[1], datacenter="eu")))
)
BUILD = Build("1.0-1.0000001", "web", "1" * 40, "a" * 64, "")


def host(ring: str) -> ConsulHost:
    service = {"ID": "web", "Address": "", "Port": 80, "Tags": [ring]}
    check = {"CheckID": "web", "Name": "it answers", "Status": "passing"}
    return from_consul(
        {"Node": {"Node": ring, "Address": "127.0.0.1"}, "Service": service, "Checks": [check]}
    )


def proven(known: Release) -> Release:
    return transitions.confirm(known, "staging", known.ring("staging").generation, 100.0)


STAGED = proven(transitions.advertise_canary(Release("web", lifecycle=WEB.lifecycle), BUILD, 0.0))


def seen(known: Release = STAGED, now: float = 160.0) -> Snapshot:
    documents = {
        "cicd/web/hosts/staging": {"installed": BUILD.version},
        f"cicd/web/packages/{BUILD.version}": {
            "commit": BUILD.commit,
            "sha256": BUILD.sha256,
            "ci": {"passed": True},
        },
    }
    items = {key: {"Value": json.dumps(value).encode(), "ModifyIndex": 1} for key, value in documents.items()}
    return Snapshot(KNOWN, WEB, known, items, [host("staging"), host("canary")], now)


def failed_once() -> Release:
    walked = transitions.promote(STAGED, 160.0, 0, ring="canary")
    why = Stop("update hosts", "it did not start", version=BUILD.version)
    return transitions.restore(walked, "canary", walked.ring("canary").generation, 170.0, why)


def test_a_version_that_is_baked_before_the_ring_is_due():
    assert auto_promotions.is_due(seen(), "canary")


@pytest.mark.parametrize(
    "known",
    [
        lambda: seen(now=159.0),
        lambda: seen(transitions.hold(STAGED, Holds(freeze=Hold("ann", "a fair", 0.0)))),
        lambda: seen(transitions.hold(STAGED, holds.veto(Holds(), Hold("ann", "leaks", 0.0, BUILD.version)))),
        lambda: seen(transitions.promote(STAGED, 160.0, 0, ring="canary")),
        lambda: seen(failed_once(), 1e6),
        lambda: seen(replace(STAGED, rolled_back=(BUILD.version,))),
        lambda: replace(seen(), items={}),
        lambda: replace(seen(), project=CUT_OFF, elsewhere={"eu": Datacenter("eu", failure="it is away")}),
    ],
    ids=[
        "unbaked",
        "frozen",
        "vetoed",
        "under way",
        "failed once",
        "rolled back",
        "not reported by its host",
        "in a datacentre that is not reached",
    ],
)
def test_nothing_is_due_that_a_person_could_not_promote_or_that_was_tried(known: Callable[[], Snapshot]):
    assert not auto_promotions.is_due(known(), "canary")


def test_what_the_ring_runs_already_is_not_due_again():
    walked = transitions.promote(STAGED, 160.0, 0, ring="canary")
    ended = transitions.confirm(walked, "canary", walked.ring("canary").generation, 170.0)

    assert not auto_promotions.is_due(seen(ended, 1e6), "canary")


def test_the_history_says_that_nobody_asked_for_it():
    due = STAGED.generation

    assert commands.promote(seen(), "canary", "stanley", due=due).why == "by itself, from the staging"
    assert commands.promote(seen(), "canary", "ann").why == "promote the staging"


def test_what_was_due_before_something_moved_is_refused_and_asked_for_again():
    frozen_and_thawed = transitions.hold(STAGED, Holds())

    with pytest.raises(
        Refused, match="web is at generation 3, but a promotion to canary was due at generation 2"
    ):
        commands.promote(seen(frozen_and_thawed), "canary", "stanley", due=STAGED.generation)
    assert auto_promotions.is_due(seen(frozen_and_thawed), "canary")


def test_only_those_whom_the_ring_names_promote_to_it():
    stages = (WEB.lifecycle.stages[0], replace(WEB.lifecycle.stages[1], promoters=("ann",)))
    named = replace(STAGED, lifecycle=Lifecycle(stages))

    assert commands.promote(seen(named), "canary", "ann").release.ring("canary").wanted == BUILD
    with pytest.raises(Refused, match="eve may not promote web to canary; ann may"):
        commands.promote(seen(named), "canary", "eve")
