"""Which hosts may leave traffic, by what is known of all rings at one moment."""

from __future__ import annotations

import pytest

from cicd.errors import Refused
from cicd.release import transitions
from cicd.release.host import ConsulHost, from_consul
from cicd.release.record import Build, Release
from cicd.store.snapshot import Snapshot
from tests.lib.consul_settings import settings

RINGS = [
    {"name": "staging", "tag": "staging"},
    {"name": "canary", "tag": "canary"},
    {"name": "production", "tag": "production", "min_healthy": "3"},
]
KNOWN = settings("http://127.0.0.1:8500", projects={"web": {"repository": "acme/web", "rings": RINGS}})
WEB = KNOWN.project("web")
BUILD = Build("1.0-1.0000001", "web", "1" * 40, "a" * 64, "")


def host(name: str, *tags: str) -> ConsulHost:
    service = {"ID": "web", "Address": "", "Port": 80, "Tags": list(tags)}
    check = {"CheckID": "web", "Name": "it answers", "Status": "passing"}
    return from_consul(
        {"Node": {"Node": name, "Address": "127.0.0.1"}, "Service": service, "Checks": [check]}
    )


FLEET = [
    host("s1", "staging"),
    host("s2", "staging"),
    host("c1", "canary", "production"),
    host("p1", "production"),
    host("p2", "production"),
    host("p3", "production"),
]


def seen(*deployed: str) -> Snapshot:
    """Return a moment at which something is wanted on the rings that are *deployed*."""
    known = Release("web", lifecycle=WEB.lifecycle)
    for ring in deployed:
        known = transitions.break_glass(known, BUILD, 0.0, ring)
    return Snapshot(KNOWN, WEB, known, {}, FLEET, 0.0)


def room(at: Snapshot, ring: str) -> list[str]:
    return [host.name for host in at.drainable_hosts(ring, at.hosts(ring))]


def test_hosts_of_staging_are_no_capacity_for_production():
    assert room(seen("staging", "canary", "production"), "production") == ["p1"]


def test_canary_hosts_are_while_something_is_wanted_on_them():
    at = seen("staging", "production")

    assert room(at, "production") == []
    with pytest.raises(Refused, match="Too few of web's 3 hosts that serve with production are healthy"):
        at.deployable_hosts("production")


def test_a_ring_that_serves_alone_counts_by_itself():
    assert room(seen("staging", "canary", "production"), "staging") == ["s1"]
