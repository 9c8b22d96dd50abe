"""A Consul that an earlier pack filled is read as it was, and is carried on so that that pack reads it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.ci import authors, ci_gate, event_log, run
from cicd.ci.queue_store import Turns
from cicd.clients.consul import set_
from cicd.config import Settings
from cicd.deploy.controls import Controls
from cicd.deploy.deploy import Deploy
from cicd.errors import Refused
from cicd.release import record, transitions
from cicd.release.record import Cause
from cicd.reports import overview
from cicd.repository.package_records import Ledger
from cicd.store.store import Store
from tests.lib.consul_settings import settings

# What the lab's Consul had after the demo's four commits and an afternoon of locks, pins and rollbacks.
FILLED: dict[str, str] = json.loads((Path(__file__).parent / "data" / "consul_of_0_1.json").read_text())
HOSTS = {"web1": "canary", "web2": "canary", "web3": "production", "web4": "production", "web5": "production"}
FIRST, SECOND = "1.0.0-2.94e7309", "2.0.0-3.41bad04"
COMMIT = "41bad043cd166036fa2a4c9e1771d40304e26ef8"
LET_PAST = "5" * 40


@pytest.fixture
def known(consul: str) -> Iterator[Settings]:
    made = settings(consul)
    operations = [set_(key, text) for key, text in FILLED.items()]
    assert Store(made).commit(operations[:50])
    assert Store(made).commit(operations[50:])
    for host, ring in HOSTS.items():
        tags = ["greeter::app", *(["greeter::app_canary"] if ring == "canary" else [])]
        service = {"ID": "greeter", "Service": "greeter", "Tags": tags, "Port": 80}
        check = {"CheckID": "answers", "Name": "it answers", "Status": "passing", "ServiceID": "greeter"}
        put(consul, "register", {"Node": host, "Address": "127.0.0.1", "Service": service, "Check": check})
    yield made
    for host in HOSTS:
        put(consul, "deregister", {"Node": host})
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10).raise_for_status()


def put(consul: str, what: str, body: dict[str, object]) -> None:
    requests.put(f"{consul}/v1/catalog/{what}", json=body, timeout=10).raise_for_status()


def test_its_record_is_read_and_written_as_it_was():
    stored = json.loads(FILLED["cicd/greeter/release"])

    assert json.loads(json.dumps(record.to_json(record.from_json(stored)))) == stored


def test_its_runs_are_read_and_written_as_they_were():
    stored = {key: json.loads(text) for key, text in FILLED.items() if key.startswith(run.key("greeter", ""))}

    assert len(stored) == 4
    assert {key: run.as_json(run.parse(key, document)) for key, document in stored.items()} == stored


def test_all_that_it_says_is_shown(known):
    shown = overview.project_status(known, "greeter")

    assert shown["production"]["version"] == SECOND
    assert {host["name"]: host["version"] for host in shown["hosts"]} == dict.fromkeys(HOSTS, SECOND)
    assert [entry["generation"] for entry in shown["history"]] == list(range(81, 71, -1))
    assert SECOND in shown["message"]


def test_its_runs_packages_authors_and_events_are_found(known):
    store = Store(known)
    lane = Turns(store, "greeter").lane()

    assert run.stage(Turns(store, "greeter").runs.find(COMMIT)) == "passed"
    assert (Ledger(known).find("greeter", SECOND) or {})["commit"] == COMMIT
    assert authors.of(store, "greeter", COMMIT) == ("ann", "ann@lab.invalid")
    assert lane.last == 4
    assert lane.head
    assert [event["decision"] for event in event_log.events(store, 9)[0]] == ["build"] * 4
    items = store.read(ci_gate.version_places("greeter", SECOND, COMMIT))
    ci_gate.refuse_uncleared(items, "greeter", SECOND)
    assert ci_gate.CiGate(known).clearance(known.project("greeter"), LET_PAST).role == "incident_commander"


def test_what_is_done_next_is_written_as_the_earlier_pack_reads_it(known):
    Controls(known, "greeter", "ann").hold("veto", "it leaks", SECOND)
    back = Deploy(known, "greeter", "ann").roll_back("production").ring("production")
    store = Store(known)

    assert back.wanted
    assert back.wanted.version == FIRST
    assert (
        store.json("cicd/greeter/release", dict).keys() == json.loads(FILLED["cicd/greeter/release"]).keys()
    )
    ring = store.json("cicd/greeter/release", dict)["production"]
    assert ring.keys() == json.loads(FILLED["cicd/greeter/release"])["production"].keys()
    assert (ring["good"]["version"], ring["earlier"], ring["exempt"]) == (FIRST, None, True)
    entry = store.history("greeter", 1)[0]
    assert entry.keys() == json.loads(FILLED["cicd/greeter/history/00000081"]).keys() | {"trace"}
    names = [line.partition("=")[0] for line in FILLED["cicd/greeter/wanted/production"].splitlines()]
    text = (store.item("cicd/greeter/wanted/production") or {})["Value"].decode()
    assert [line.partition("=")[0] for line in text.splitlines()] == names


# The pair with a ring before it, and one that takes production's place.
LONGER = [
    {"name": "staging", "tag": "greeter::app_staging", "min_bake_seconds": 0},
    {"name": "canary", "version_key": "{project}::canary_version", "min_bake_seconds": 0},
    {"name": "production", "version_key": "{project}::version"},
]
REGION = [LONGER[1], {"name": "production-eu", "tag": "eu", "version_key": "{project}::version"}]


def with_rings(known: Settings, rings: list[dict[str, object]]) -> Settings:
    return settings(known.consul.url, projects={"greeter": {"repository": "acme/greeter", "rings": rings}})


def staged(known: Settings) -> None:
    """Let what canary and production run come to the one host of staging, and be healthy there."""
    service = {"ID": "greeter", "Service": "greeter", "Tags": ["greeter::app_staging"], "Port": 80}
    put(known.consul.url, "register", {"Node": "stage1", "Address": "127.0.0.1", "Service": service})
    store, cause = Store(known), Cause("ann", "the first ring of the list", 1.0)
    build = store.release("greeter").ring("production").wanted
    assert build
    advertised = store.change(
        "greeter", "advertise_canary", "staging", cause, lambda r: transitions.advertise_canary(r, build, 1.0)
    )
    generation = advertised.ring("staging").generation
    store.put(
        "cicd/greeter/hosts/stage1", {"state": "unchanged", "installed": SECOND, "generation": generation}
    )
    store.change(
        "greeter", "confirm", "staging", cause, lambda r: transitions.confirm(r, "staging", generation, 1.0)
    )


@pytest.fixture
def longer(known: Settings) -> Iterator[Settings]:
    yield with_rings(known, LONGER)
    put(known.consul.url, "deregister", {"Node": "stage1"})


def test_with_a_longer_list_of_rings_it_says_the_same_and_lets_nothing_past_the_new_one(longer):
    shown = overview.project_status(longer, "greeter")

    assert {name: ring["version"] for name, ring in shown["rings"].items()} == {
        "staging": "",
        "canary": SECOND,
        "production": SECOND,
    }
    with pytest.raises(Refused, match="greeter has no staging host in Consul"):
        Deploy(longer, "greeter", "ann").promote("canary")


def test_it_is_carried_on_with_a_longer_list_and_then_without_it_again(known, longer):
    staged(longer)
    walked = Deploy(longer, "greeter", "ann").promote("canary").ring("canary")
    Deploy(longer, "greeter", "ann").roll_back("production")
    back = Store(known).release("greeter")

    assert back.ring("canary") == walked
    assert back.ring("production").wanted.version == FIRST
    Deploy(known, "greeter", "ann").roll_back("canary")
    assert Store(longer).release("greeter").ring("staging").wanted.version == SECOND


def test_an_earlier_pack_finds_all_that_it_knows_in_the_record_of_a_longer_list(longer):
    staged(longer)
    before = json.loads(FILLED["cicd/greeter/release"])
    after = Store(longer).json("cicd/greeter/release", dict)

    assert after.keys() - before.keys() == {"rings"}
    assert {ring: after[ring] for ring in ("canary", "production")} == {
        ring: before[ring] for ring in ("canary", "production")
    }


def test_the_version_that_others_read_stays_until_one_comes_to_the_ring_that_says_it_now(known):
    region, store = with_rings(known, REGION), Store(known)
    Controls(region, "greeter", "ann").hold("freeze", "a fair")

    assert (store.item("greeter::version") or {})["Value"].decode() == SECOND
    assert (store.item("cicd/greeter/wanted/production") or {})["Value"].decode() == FILLED[
        "cicd/greeter/wanted/production"
    ]
