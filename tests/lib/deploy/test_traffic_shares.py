"""The canary's share of the requests on a real Consul: wanted in one change, and followed or named."""

from __future__ import annotations

import json

import pytest

from cicd.deploy import share_commands, traffic_shares
from cicd.errors import Refused
from cicd.release import traffic
from cicd.release.record import DEPLOYING
from cicd.reports import overview
from cicd.store.snapshot import Look
from cicd.store.store import Store
from tests.lib.actors import Actor
from tests.lib.stage import PROJECT, World


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no load balancer: whoever has not followed by now is late."""
    monkeypatch.setattr(traffic_shares, "FOLLOW_SECONDS", -1.0)


@pytest.fixture
def store(world: World) -> Store:
    """The store, with a canary that is good."""
    ann = Actor(world, "ann")
    ann.go_on("canary", ann.push())
    return Store(world.settings)


def report(store: Store, node: str, buckets: int | None, generation: int, error: str = "") -> None:
    """Let the load balancer *node* say what it has applied."""
    applied = {PROJECT: {"buckets": buckets, "generation": generation}}
    store.put(f"{traffic.REPORTS}{node}", {"applied": applied, "error": error})


def wanted(store: Store) -> dict[str, object]:
    return json.loads((store.item(traffic.key(PROJECT)) or {"Value": b"{}"})["Value"])


def test_without_a_load_balancer_that_reports_nothing_is_wanted(world, store):
    before = store.release(PROJECT)
    with pytest.raises(Refused, match="No load balancer reports to Consul") as refused:
        traffic_shares.set_share(world.settings, PROJECT, 5.0, "ann")

    assert "docs/traffic.md" in refused.value.hint
    assert (store.release(PROJECT), wanted(store)) == (before, {})


def test_a_share_is_in_the_record_the_history_and_what_load_balancers_read_and_the_late_are_named(
    world, store
):
    report(store, "lb1", None, 0)
    report(store, "lb2", None, 0, "HAProxy does not answer")
    changed = traffic_shares.set_share(world.settings, PROJECT, 5.0, "ann")
    (newest,) = store.history(PROJECT, 1)
    generation = store.release(PROJECT).generation

    assert store.release(PROJECT).first.traffic == changed.known
    assert wanted(store) == {"buckets": 500, "generation": generation}
    assert (newest["who"], newest["what"], newest["why"]) == ("ann", "set_traffic", "5 % of the requests")
    assert changed.message == (
        f"{PROJECT} {changed.version} on canary gets 5 % of the requests; "
        "lb1 has not applied it: it has not followed yet; lb2 has not applied it: HAProxy does not answer"
    )


def test_a_share_that_every_load_balancer_has_is_said_to_be_applied(world, store):
    report(store, "lb1", 2500, store.release(PROJECT).generation + 1)

    changed = traffic_shares.set_share(world.settings, PROJECT, 25.0, "ann")
    assert changed.message.endswith("gets 25 % of the requests; every load balancer has applied it")


def test_a_rollback_writes_no_share_in_the_same_transaction(world, store):
    ann = Actor(world, "ann")
    ann.go_on("canary", ann.push())
    report(store, "lb1", None, 0)
    traffic_shares.set_share(world.settings, PROJECT, 50.0, "ann")
    generation = ann.roll_back("canary")

    assert wanted(store) == {"buckets": 0, "generation": generation}
    assert store.release(PROJECT).first.state == DEPLOYING


def test_an_alarm_about_the_canary_is_found_and_takes_the_share_to_nothing(world, store):
    report(store, "lb1", None, 0)
    traffic_shares.set_share(world.settings, PROJECT, 50.0, "ann")
    assert list(traffic_shares.find(world.settings, store)) == []
    fires = {"said": "web1 is slow", "since": 1.0, "heard": 9e9, "reason": ""}
    store.put(f"cicd/{PROJECT}/alarms/firing", {"firing": {"nagios/web1/http": fires}})
    ((trigger, event),) = traffic_shares.find(world.settings, store)
    changed = traffic_shares.step(world.settings, PROJECT, event["generation"], "stanley")

    assert (trigger, event["project"], event["ring"]) == ("cicd.traffic_due", PROJECT, "canary")
    assert (changed.known.share, changed.known.by_steps) == (0.0, False)
    assert list(traffic_shares.find(world.settings, store)) == []
    with pytest.raises(Refused, match="but a share of the requests for canary was due at"):
        traffic_shares.step(world.settings, PROJECT, event["generation"], "stanley")


def test_less_is_possible_whatever_load_balancers_report_and_nobody_is_said_to_follow(world, store):
    report(store, "lb1", None, 0)
    traffic_shares.set_share(world.settings, PROJECT, 50.0, "ann")
    store.put(f"cicd/{PROJECT}/alarms/firing", {"firing": {"nagios": 1}})
    store.ask(lambda c: c.kv.put(f"{traffic.REPORTS}lb1", "{"))
    unreadable = traffic_shares.set_share(world.settings, PROJECT, 5.0, "ann")
    store.delete(f"{traffic.REPORTS}lb1")
    alone = traffic_shares.set_share(world.settings, PROJECT, 0.0, "ann")

    assert "lb1 has not applied it: its report in Consul is unreadable" in unreadable.message
    assert alone.message.endswith("gets 0 % of the requests; no load balancer reports that it follows")
    with pytest.raises(Refused, match="No load balancer reports to Consul"):
        traffic_shares.set_share(world.settings, PROJECT, 5.0, "ann")


def test_what_load_balancers_read_is_written_again_when_it_is_not_as_recorded(world, store):
    assert not store.refresh(PROJECT)
    report(store, "lb1", None, 0)
    traffic_shares.set_share(world.settings, PROJECT, 5.0, "ann")
    before = wanted(store)
    assert not store.refresh(PROJECT)
    store.delete(traffic.key(PROJECT))

    assert store.refresh(PROJECT)
    assert wanted(store) == before


def test_the_share_of_a_ring_that_is_the_canary_no_longer_ends(world, store):
    store.put(traffic.key(PROJECT), {"buckets": 5000, "generation": 1})

    assert store.refresh(PROJECT)
    assert wanted(store) == {"buckets": None, "generation": store.release(PROJECT).generation}
    assert not store.refresh(PROJECT)


def test_what_is_deployed_says_the_share_and_who_is_late(world, store):
    report(store, "lb1", None, 0)
    traffic_shares.set_share(world.settings, PROJECT, 5.0, "ann")
    seen = overview.look(store, world.settings.project(PROJECT))

    assert (
        "canary gets 5 % of the requests; lb1 has not applied it: it has not followed yet"
        in overview.status_of(seen)["notes"]
    )


def test_who_keeps_a_share_that_is_over_is_named_too(world, store):
    report(store, "lb1", None, 0)
    known = traffic_shares.set_share(world.settings, PROJECT, None, "ann").known
    project = world.settings.project(PROJECT)

    assert (
        "canary gets as many requests as any other host; lb1 has not applied it: it has not followed yet"
        in overview.status_of(overview.look(store, project))["notes"]
    )
    report(store, "lb1", None, known.generation)
    assert not any("requests" in one for one in overview.status_of(overview.look(store, project))["notes"])
    store.delete(f"{traffic.REPORTS}lb1")
    assert not any("requests" in one for one in overview.status_of(overview.look(store, project))["notes"])


def test_no_step_follows_one_that_a_load_balancer_lacks(world, store):
    report(store, "lb1", None, 0)
    known = traffic_shares.set_share(world.settings, PROJECT, 1.0, "ann").known
    at = Look(world.settings.project(PROJECT), keys=[traffic.REPORTS])
    behind = store.look(at)
    report(store, "lb1", 100, known.generation)

    assert not share_commands.is_followed(behind)
    assert share_commands.late(behind) == ["lb1 has not applied it: it has not followed yet"]
    assert share_commands.is_followed(store.look(at))
