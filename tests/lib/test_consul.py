"""The release record in a real Consul: races, history, and what hosts read."""

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import yaml

from cicd import config, release
from cicd.consul import Store
from cicd.errors import ConsulError, Refused
from cicd.holds import Hold, Holds
from cicd.record import Cause
from cicd.release import Build, Release

ROOT = Path(__file__).parents[2]
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
        lambda r: release.advertise_canary(r, build(commits), 1.0),
    )


def test_a_change_writes_record_contract_key_document_and_history_together(store, consul):
    changed = advertise(store, 1)

    assert store.release("greeter") == changed
    assert key(consul, "greeter::canary_version") == build(1).version
    assert key(consul, "cicd/greeter/wanted/canary") == release.wanted_document(changed, "canary")
    assert [entry["to"] for entry in store.history("greeter", 10)] == [build(1).version]


def test_a_hold_is_in_the_documents_of_both_rings_and_wakes_no_host_by_other_changes(store, consul):
    advertise(store, 1)
    documents = [f"cicd/greeter/wanted/{ring}" for ring in release.RINGS]
    lock = Holds(lock=Hold("ann", "db migration", 1.0))
    store.change("greeter", "lock", "production", CAUSE, lambda r: release.hold(r, lock))
    assert all("\nhold=lock\n" in str(key(consul, name)) for name in documents)

    def changed_at() -> list[int]:
        urls = [f"{consul}/v1/kv/{name}" for name in documents]
        return [requests.get(url, timeout=10).json()[0]["ModifyIndex"] for url in urls]

    before = changed_at()
    store.change("greeter", "lock", "production", CAUSE, lambda r: release.hold(r, lock))
    assert changed_at() == before


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
    assert key(consul, "greeter::canary_version") == after.canary.wanted.version
    steps = list(reversed(history))
    assert [entry["from"] for entry in steps] == [None, *(entry["to"] for entry in steps[:-1])]


def test_taking_a_ring_back_to_nothing_removes_the_contract_key(store, consul):
    failed = advertise(store, 1)
    generation = failed.canary.generation
    store.change(
        "greeter", "restore", "canary", CAUSE, lambda r: release.restore(r, "canary", generation, 2.0)
    )

    assert key(consul, "greeter::canary_version") is None
    assert key(consul, "cicd/greeter/wanted/canary").startswith("version=\n")


def test_of_two_deliveries_of_one_push_exactly_one_opens_the_run(consul, store):
    def deliver(number: int) -> bool:
        run = {"stage": "accepted", "number": number}
        return Store(settings(consul)).advance("greeter", "a" * 40, {None}, run)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(deliver, range(8))) == 1


def test_a_run_moves_only_from_the_stages_it_may_leave(store):
    assert store.advance("greeter", "b" * 40, {None}, {"stage": "accepted"})
    assert not store.advance("greeter", "b" * 40, {None}, {"stage": "accepted"})
    assert store.advance("greeter", "b" * 40, {"accepted"}, {"stage": "building", "queue_id": 7})
    assert store.runs("greeter") == {"b" * 40: {"stage": "building", "queue_id": 7}}


def test_a_record_that_is_no_json_means_stop(store, consul):
    requests.put(f"{consul}/v1/kv/cicd/greeter/release", data="{{ nonsense", timeout=10)

    with pytest.raises(Refused, match="not JSON"):
        advertise(store, 1)


def test_a_consul_that_is_away_is_a_sentence_with_its_address():
    url = "http://127.0.0.1:9"

    with pytest.raises(ConsulError, match=url) as error:
        Store(settings(url)).release("greeter")
    assert "Start the Consul agent" in error.value.hint
