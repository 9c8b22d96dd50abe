"""A ring in another Consul datacentre: two real ones, joined, of which one is cut off and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from cicd.clients import consul
from cicd.errors import Refused
from cicd.fleet import drift_monitor
from cicd.release.record import EVERYTHING, HEALTHY, RESTORING
from cicd.reports import overview
from cicd.store import copies
from cicd.store.datacenter import stamp_key
from cicd.store.elsewhere import Elsewhere
from cicd.store.snapshot import Look
from lab.consul import binary
from lab.places import Places
from tests.conftest import agent, free_port
from tests.lib.actors import Actor
from tests.lib.consul_settings import changed
from tests.lib.stage import PROJECT, World, version

WANTED, VERSION = f"cicd/{PROJECT}/wanted/production", f"{PROJECT}::version"


@dataclass
class Two:
    """The URL of the datacentre with the record, and the server of the other one, `eu`."""

    url: str
    eu_url: str
    eu: subprocess.Popen

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        self.eu.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.eu.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    here, there = free_port(), free_port()
    with (
        agent(tmp_path_factory.mktemp("dc1"), here) as (url, _),
        agent(tmp_path_factory.mktemp("eu"), there, datacenter="eu") as (eu_url, eu),
    ):
        run(eu_url, "join", "-wan", f"127.0.0.1:{here}")
        assert ".eu " in run(url, "members", "-wan")
        until(lambda: requests.get(f"{url}/v1/kv/?keys&dc=eu", timeout=10).status_code in (200, 404))
        yield Two(url, eu_url, eu)


@pytest.fixture
def world(two: Two, repository: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(consul, "ELSEWHERE_SECONDS", 1)
    found = World(two.url, repository, {"production": "eu"})
    found.reset()
    yield found
    found.forget()


@pytest.fixture
def ann(world: World) -> Actor:
    """Somebody in a project whose canary is good, approved and baked; nothing is in eu yet."""
    actor = Actor(world, "ann")
    actor.end_well("canary", actor.push())
    Actor(world, "bob").review("approve")
    actor.bake()
    return actor


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def run(url: str, *words: str) -> str:
    """Run Consul's own command line."""
    program = str(binary.find(Places.from_environment()))
    known = {**os.environ, "CONSUL_HTTP_ADDR": url}
    done = subprocess.run([program, *words], env=known, capture_output=True, text=True, check=True)
    return done.stdout


def text(url: str, key: str) -> str | None:
    found = requests.get(f"{url}/v1/kv/{key}?raw", timeout=10)
    return found.text if found.ok else None


def put(url: str, key: str, value: str) -> None:
    requests.put(f"{url}/v1/kv/{key}", data=value, timeout=10).raise_for_status()


def of_ring(world: World, what: str, ring: str = "production") -> Any:
    return getattr(world.store.release(PROJECT).ring(ring), what)


def late(world: World) -> dict[str, str]:
    return copies.late(Actor(world, "eve").deploy().look())


def test_a_promotion_is_wanted_in_the_rings_own_datacentre_and_nowhere_else(two, world, ann):
    generation = ann.promote()

    assert f"version={version(1)}\ngeneration={generation}\n" in text(two.eu_url, WANTED)
    assert text(two.eu_url, VERSION) == version(1)
    assert text(two.url, WANTED) is text(two.url, VERSION) is None
    ann.end_well("production", generation)
    assert of_ring(world, "state") == HEALTHY
    assert "rollout=open" in text(two.eu_url, WANTED)
    assert text(two.eu_url, stamp_key(PROJECT)) == str(world.store.release(PROJECT).generation)


def test_a_hold_and_its_end_come_there_too_also_one_on_every_project(two, world, ann):
    ann.end_well("production", ann.promote())

    for project in (PROJECT, EVERYTHING):
        ann.hold("lock", 0, project)
        assert "hold=lock" in text(two.eu_url, WANTED)
        ann.end_hold("lock", "", project)
        assert "hold=\n" in text(two.eu_url, WANTED)


def test_nothing_is_promoted_to_a_datacentre_that_is_cut_off_and_other_rings_go_on(two, world, ann):
    before = world.store.release(PROJECT)
    with two.cut_off():
        with pytest.raises(
            Refused, match="production of greeter is in Consul's datacentre eu, which could not be read"
        ):
            ann.promote()
        assert world.store.release(PROJECT) == before
        assert "did not answer within" in late(world)["production"]

        ann.end_well("canary", ann.push())
    assert of_ring(world, "last_good", "canary").version == version(2)
    until(lambda: "did not answer" not in str(late(world)))


def test_what_was_decided_while_it_was_cut_off_arrives_when_it_is_back(two, world, ann):
    ann.end_well("production", ann.promote())
    ann.end_well("canary", ann.push())
    Actor(world, "bob").review("approve")
    ann.bake()
    generation = ann.promote()
    with two.cut_off():
        ann.fails_on("production", "web3", "ended")
        ann.deploy().restore("production", generation)
        assert of_ring(world, "state") == RESTORING
        assert "production: Consul at" in overview.project_status(world.settings, PROJECT)["message"]
    assert f"version={version(2)}" in text(two.eu_url, WANTED)

    until(lambda: world.store.is_stale(PROJECT))
    until(lambda: ann.controls().refresh() == [PROJECT])

    assert not world.store.is_stale(PROJECT)
    assert f"version={version(1)}" in text(two.eu_url, WANTED)
    assert "rollout=open" in text(two.eu_url, WANTED)
    assert ann.controls().refresh() == []


def test_a_copy_that_stays_late_is_drift_of_its_ring(two, world, ann):
    ann.end_well("production", ann.promote())
    put(two.eu_url, WANTED, "version=0.9\n")
    watch = drift_monitor.Watch()
    settings = changed(world.settings, "drift", follow_seconds=0)

    found = [one for one in watch.look(settings, world.store) if one.kind == "late_copy"]

    assert [(one.ring, one.host, one.wanted) for one in found] == [("production", "", version(1))]
    assert "production of greeter may run something else than is wanted" in found[0].message


def test_a_record_that_was_set_back_takes_no_datacentre_back(two, world, ann):
    ann.end_well("production", ann.promote())
    said = text(two.eu_url, WANTED)
    put(two.eu_url, stamp_key(PROJECT), "999")
    ann.hold("lock", 0)

    assert text(two.eu_url, WANTED) == said
    assert f"consul kv delete -datacenter=eu {stamp_key(PROJECT)}" in late(world)["production"]
    with pytest.raises(Refused, match="generation 999, but the record is at"):
        world.store.elsewhere.deliver(world.settings.project(PROJECT), "eu")

    run(two.url, "kv", "delete", "-datacenter=eu", stamp_key(PROJECT))
    assert ann.controls().refresh() == [PROJECT]
    assert "hold=lock" in text(two.eu_url, WANTED)


def test_who_is_overtaken_before_writing_looks_again(two, world, ann):
    ann.end_well("production", ann.promote())
    put(two.eu_url, VERSION, "0")
    seen = []

    def record(project):
        """Read the record, and be overtaken right after that, once."""
        seen.append(world.store.look(Look(project, hosts=False)))
        if len(seen) == 1:
            ann.hold("lock", 0)
        return seen[-1]

    Elsewhere(world.settings, record).copy(world.settings.project(PROJECT), "eu")

    assert len(seen) == 2
    assert "hold=lock" in text(two.eu_url, WANTED)


def test_a_node_of_the_same_name_elsewhere_makes_that_datacentre_unknown(two, world, ann):
    service = {"ID": PROJECT, "Service": PROJECT, "Tags": ["greeter::app"], "Port": 80}
    node = {"Node": "web1", "Address": "127.0.0.1", "Datacenter": "eu"}
    requests.put(f"{two.url}/v1/catalog/register", json={**node, "Service": service}, timeout=10)
    try:
        with pytest.raises(Refused, match="its node web1 has greeter, as a node of that name"):
            ann.promote()
        ann.end_well("canary", ann.push())
    finally:
        requests.put(f"{two.url}/v1/catalog/deregister", json=node, timeout=10).raise_for_status()


def test_what_a_host_elsewhere_says_of_another_datacentres_host_does_not_count(two, world, ann):
    put(two.eu_url, f"cicd/{PROJECT}/hosts/web1", '{"installed": "6.6.6"}')

    assert ann.deploy().look().reports["web1"].installed == version(1)
