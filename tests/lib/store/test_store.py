"""The release record in a real Consul: races, history, and what hosts read."""

import copy
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import yaml

from cicd import config
from cicd.clients import consul as kv
from cicd.deploy.controls import Controls
from cicd.errors import ConfigError, ConsulError, Refused, RepositoryError
from cicd.release import guards, transitions
from cicd.release.holds import Hold, Holds
from cicd.release.lifecycle import PAIR
from cicd.release.record import Cause
from cicd.release.transitions import Build, Release
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.store import Store
from tests.lib import apt_index
from tests.lib.consul_settings import changed

ROOT = Path(__file__).parents[3]
CAUSE = Cause("ann", "deploy", 1.0, "e1")


def build(commits: int) -> Build:
    return Build(f"1.0-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, "acme/greeter@x")


def settings(url: str) -> config.Settings:
    values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
    return config.parse({**values, "consul": {"url": url}})


@pytest.fixture
def store(consul: str) -> Store:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    return Store(settings(consul))


def key(consul: str, name: str) -> str | None:
    answer = requests.get(f"{consul}/v1/kv/{name}?raw", timeout=10)
    return answer.text if answer.ok else None


def advertise(store: Store, commits: int) -> Release:
    return store.change(
        "greeter",
        "advertise_canary",
        "canary",
        CAUSE,
        lambda r: transitions.advertise_canary(r, build(commits), 1.0),
    )


def test_a_change_writes_record_contract_key_document_and_history_together(store, consul):
    changed = advertise(store, 1)

    assert store.release("greeter") == changed
    assert key(consul, "greeter::canary_version") == build(1).version
    assert key(consul, "cicd/greeter/wanted/canary") == transitions.wanted_document(changed, "canary", 300)
    assert [entry["to"] for entry in store.history("greeter", 10)] == [build(1).version]


def test_a_hold_is_in_the_documents_of_both_rings_and_wakes_no_host_by_other_changes(store, consul):
    advertise(store, 1)
    documents = [f"cicd/greeter/wanted/{ring}" for ring in PAIR.names]
    lock = Holds(lock=Hold("ann", "db migration", 1.0))
    store.change("greeter", "lock", "production", CAUSE, lambda r: transitions.hold(r, lock))
    assert all("\nhold=lock\n" in str(key(consul, name)) for name in documents)

    def changed_at() -> list[int]:
        urls = [f"{consul}/v1/kv/{name}" for name in documents]
        return [requests.get(url, timeout=10).json()[0]["ModifyIndex"] for url in urls]

    before = changed_at()
    store.change("greeter", "lock", "production", CAUSE, lambda r: transitions.hold(r, lock))
    assert changed_at() == before


def test_a_canary_bakes_in_its_time_though_the_clock_was_set_back(store):
    def deployed(known: Release) -> Release:
        ahead = time.time() + 3600
        known = transitions.advertise_canary(known, build(1), ahead)
        return transitions.confirm(known, "canary", known.ring("canary").generation, ahead)

    before = store.change("greeter", "advertise_canary", "canary", CAUSE, deployed)
    with pytest.raises(Refused, match="has been canary for 0 s of the 1 s"):
        guards.promotable(before, time.time(), 1)

    assert store.is_stale("greeter")
    assert store.refresh("greeter")
    after = store.release("greeter")
    assert not store.refresh("greeter")
    assert not store.is_stale("greeter")

    assert guards.promotable(after, after.ring("canary").since + 1, 1) == build(1)
    assert time.time() >= after.ring("canary").since
    assert after == before.with_ring(
        "canary", replace(before.ring("canary"), since=after.ring("canary").since)
    )


def test_a_refusal_writes_nothing(store, consul):
    advertise(store, 2)
    before = requests.get(f"{consul}/v1/kv/?recurse", timeout=10).json()

    with pytest.raises(Refused):
        advertise(store, 1)

    assert requests.get(f"{consul}/v1/kv/?recurse", timeout=10).json() == before


def test_of_racing_writers_each_decides_on_what_the_one_before_left(store, consul):
    def attempt(commits: int) -> bool:
        try:
            advertise(Store(settings(consul)), commits)
        except (Refused, ConsulError):
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        won = sum(pool.map(attempt, range(1, 11)))

    after, history = store.release("greeter"), store.history("greeter", 100)
    assert won == after.generation == len(history)
    assert [entry["generation"] for entry in history] == list(range(won, 0, -1))
    assert key(consul, "greeter::canary_version") == after.ring("canary").wanted.version
    steps = list(reversed(history))
    assert [entry["from"] for entry in steps] == [None, *(entry["to"] for entry in steps[:-1])]


def test_taking_a_ring_back_to_nothing_removes_the_contract_key(store, consul):
    failed = advertise(store, 1)
    generation = failed.ring("canary").generation
    store.change(
        "greeter", "restore", "canary", CAUSE, lambda r: transitions.restore(r, "canary", generation, 2.0)
    )

    assert key(consul, "greeter::canary_version") is None
    assert key(consul, "cicd/greeter/wanted/canary").startswith("version=\n")


def test_a_record_that_is_no_json_means_stop(store, consul):
    requests.put(f"{consul}/v1/kv/cicd/greeter/release", data="{{ nonsense", timeout=10)

    with pytest.raises(Refused, match="not JSON"):
        advertise(store, 1)


def test_a_consul_that_is_away_is_a_sentence_with_its_address():
    url = "http://127.0.0.1:9"

    with pytest.raises(ConsulError, match=url) as error:
        Store(settings(url)).release("greeter")
    assert "Start the Consul agent" in error.value.hint


def test_the_newest_history_is_read_alike_however_long_the_history_is(store, consul, monkeypatch):
    for commits in range(1, 31):
        advertise(store, commits)
    asked: list[str] = []
    send = kv.Impatient.send
    monkeypatch.setattr(
        kv.Impatient, "send", lambda self, r, **o: (asked.append(str(r.url)), send(self, r, **o))[1]
    )

    assert [entry["generation"] for entry in store.history("greeter", 5)] == [30, 29, 28, 27, 26]
    assert len(asked) == 2
    assert not any("keys" in url or "recurse" in url for url in asked)


def test_a_lost_answer_to_a_write_that_was_made_is_no_failure(store, monkeypatch):
    send = kv.Impatient.send

    def lose(self, request, **options):
        answer = send(self, request, **options)
        if "/v1/txn" in request.url and "get-tree" not in str(request.body):
            raise requests.ConnectionError("the answer was lost")
        return answer

    monkeypatch.setattr(kv.Impatient, "send", lose)
    changed = advertise(store, 1)

    monkeypatch.undo()
    assert store.release("greeter") == changed


def test_a_lock_on_everything_reaches_every_project_and_its_hosts(store, consul):
    advertise(store, 1)
    controls = Controls(settings(consul), "everything", "ann")
    controls.hold("lock", "db is down")

    assert "hold=lock" in str(key(consul, "cicd/greeter/wanted/canary"))
    with pytest.raises(Refused, match="everything is locked by ann: db is down"):
        advertise(store, 2)
    with pytest.raises(Refused, match="not by bob"):
        Controls(settings(consul), "everything", "bob").end_hold("lock")
    controls.end_hold("lock")
    assert advertise(store, 2).ring("canary").wanted == build(2)
    assert "hold=\n" in str(key(consul, "cicd/greeter/wanted/canary"))


def test_the_history_of_a_pin_or_veto_names_its_version_and_not_only_what_runs(store, consul):
    controls = Controls(settings(consul), "greeter", "ann")
    for commits in (3, 7):
        store.put(f"cicd/greeter/packages/{build(commits).version}", {"commit": build(commits).commit})
    controls.hold("veto", "it leaks", build(7).version)
    controls.hold("pin", "audit", build(3).version)

    said = [entry["why"] for entry in store.history("greeter", 2)]
    assert said == [f"{build(3).version}: audit", f"{build(7).version}: it leaks"]


@pytest.mark.parametrize("kind", ["pin", "veto"])
def test_a_version_that_nobody_published_can_neither_be_pinned_nor_vetoed(store, consul, tmp_path, kind):
    listed = build(2)
    with apt_index.served(tmp_path, [apt_index.entry("greeter", listed.version, listed.trace)]) as url:
        known = changed(settings(consul), "repository", url=url)
        controls = Controls(known, "greeter", "ann")
        with pytest.raises(RepositoryError, match=rf"greeter {build(9).version} is not in the repository"):
            controls.hold(kind, "a slip", build(9).version)

        assert store.release("greeter").holds == Holds()
        controls.hold(kind, "it is there", listed.version)


def test_a_freeze_window_that_consul_has_but_nobody_can_read_means_stop(store, consul):
    requests.put(f"{consul}/v1/kv/cicd/greeter/freeze_windows", data="[{]", timeout=10)

    with pytest.raises(ConfigError, match="unreadable"):
        advertise(store, 1)


def test_a_stolen_deploy_stops_for_good_and_the_thief_holds_the_lock(store, consul):
    session = Lock(settings(consul), "greeter", "canary").acquire(Holder("ann", "deploy", "e1", 1.0))
    generation = advertise(store, 1).ring("canary").generation
    Controls(settings(consul), "greeter", "bob").steal("ann is away")

    assert not Lock(settings(consul), "greeter", "canary").still_held(session)
    assert store.release("greeter").holds.lock.who == "bob"
    assert store.release("greeter").ring("canary").state == transitions.STOPPED
    with pytest.raises(Refused, match="moved on"):
        transitions.confirm(store.release("greeter"), "canary", generation, 2.0)
    assert store.history("greeter", 1)[0]["why"] == "from the deploy to canary: ann is away"
