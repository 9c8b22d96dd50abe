"""A project that requires another one is promoted only to where that is far enough."""

from __future__ import annotations

import json

import pytest

from cicd.deploy import requirements
from cicd.errors import Refused
from cicd.release import record
from cicd.release.record import DEGRADED, DEPLOYING, HEALTHY, Build, Release, Ring
from cicd.store.snapshot import Look, Snapshot, places
from tests.lib.consul_settings import settings

PROJECTS = {
    "web": {"repository": "acme/web", "requires": {"api": "2.10.0"}},
    "api": {"repository": "acme/api"},
}
KNOWN = settings("http://127.0.0.1:8500", projects=PROJECTS)
WEB = KNOWN.project("web")


def seen(version: str = "", state: str = HEALTHY) -> Snapshot:
    build = Build(version, "api", "1" * 40, "a" * 64, "") if version else None
    api = Release("api", 3, {"production": Ring(state, build, generation=3)})
    stored = {"Value": json.dumps(record.to_json(api)).encode(), "ModifyIndex": 7}
    return Snapshot(KNOWN, WEB, Release("web"), {"cicd/api/release": stored} if version else {}, [], 0.0)


@pytest.mark.parametrize("state", [HEALTHY, DEGRADED])
@pytest.mark.parametrize("version", ["2.10.0-1.0000001", "2.10.1-1.0000001", "10.0-1.0000001"])
def test_what_is_required_or_later_is_enough(version, state):
    assert requirements.unmet(seen(version, state), "production") is None


@pytest.mark.parametrize(
    ("version", "state", "said"),
    [
        ("2.9.9-9.0000001", HEALTHY, r"2\.9\.9-9\.0000001 is healthy there"),
        ("2.10.0~rc1-9.0000001", HEALTHY, r"2\.10\.0~rc1-9\.0000001 is healthy there"),
        ("2.10.0-1.0000001", DEPLOYING, "is deploying there"),
        ("by-hand", HEALTHY, "by-hand is healthy there"),
        ("", HEALTHY, "nothing of it is there"),
    ],
)
def test_what_is_older_under_way_or_not_there_refuses_by_name(version, state, said):
    with pytest.raises(Refused, match=f"web requires api 2.10.0 or later on production, and .*{said}"):
        requirements.refuse_unmet(seen(version, state), "production")


def test_another_ring_of_it_does_not_count():
    assert requirements.unmet(seen("2.10.0-1.0000001"), "canary")


def test_its_record_is_read_with_the_projects_own_and_must_not_move_meanwhile():
    assert "cicd/api/release" in places(Look(WEB))
    assert requirements.unmoved(seen("2.10.0-1.0000001"))[0]["Index"] == 7
