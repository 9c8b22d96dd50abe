"""What Consul keeps of a project is bounded, and what is old is found as it was written."""

import copy
import time
from pathlib import Path

import pytest
import requests
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench import year
from cicd import config
from cicd.errors import Refused
from cicd.package.built import Package
from cicd.package.package_names import Names
from cicd.release.lifecycle import PAIR
from cicd.release.record import EVERYTHING, Release, Ring
from cicd.release.transitions import Build
from cicd.repository import package_records
from cicd.repository.forget import forget
from cicd.repository.package_records import Ledger, Record
from cicd.repository.retention import choose, recent
from cicd.store import store as consul_module
from cicd.store.store import Store

ROOT = Path(__file__).parents[3]
DAY = 86400


@pytest.fixture
def known(consul: str) -> config.Settings:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
    return config.parse({**values, "consul": {"url": consul, "keep_history_days": 400}})


def write(store: Store, count: int, project: str = "greeter", when: float = 0.0) -> list[dict]:
    entries = [
        {"generation": number, "when": when or number, "to": "ä{{ }}"} for number in range(1, count + 1)
    ]
    for entry in entries:
        store.put(f"cicd/{project}/history/{entry['generation']:08d}", entry)
    store.put(f"cicd/{project}/release", {"generation": count})
    return entries


def test_folded_changes_read_as_they_were_written(known, monkeypatch):
    monkeypatch.setattr(consul_module, "CHANGES_ALONE", 7)
    store = Store(known)
    entries = write(store, 230)

    store.fold("greeter", 1000)

    assert len(store.keys("cicd/greeter/history/")) == 7
    assert len(store.keys("cicd/greeter/archive/")) == 3
    assert store.history("greeter", 230) == entries[::-1]
    assert list(store.changes("greeter").newest_first()) == entries[::-1]
    assert store.changes("greeter").find("00000001") == entries[0]
    assert store.changes("greeter").find("00000231") is None


def test_a_fold_that_was_killed_half_way_loses_and_doubles_nothing(known, monkeypatch):
    monkeypatch.setattr(consul_module, "CHANGES_ALONE", 7)
    store = Store(known)
    entries = write(store, 130)
    monkeypatch.setattr("cicd.store.archive.Archive._delete", lambda *_: None)
    store.fold("greeter", 60)
    assert list(store.changes("greeter").newest_first()) == entries[::-1]
    monkeypatch.undo()

    monkeypatch.setattr(consul_module, "CHANGES_ALONE", 7)
    store.fold("greeter", 1000)

    assert list(store.changes("greeter").newest_first()) == entries[::-1]
    assert len(store.keys("cicd/greeter/history/")) == 7


def test_history_beyond_the_days_is_forgotten_but_the_newest_changes_never(known, monkeypatch):
    monkeypatch.setattr(consul_module, "CHANGES_ALONE", 7)
    store = Store(known)
    for project in ("greeter", EVERYTHING):
        write(store, 110, project, when=time.time() - 401 * DAY)
    monkeypatch.setattr("cicd.repository.forget.SWEEP_DAYS", 1)

    for project in ("greeter", EVERYTHING):
        forget(known, project)

        assert store.keys(f"cicd/{project}/archive/") == []
        assert len(store.history(project, 200)) == 7


def test_history_within_the_days_stays(known, monkeypatch):
    monkeypatch.setattr(consul_module, "CHANGES_ALONE", 7)
    monkeypatch.setattr("cicd.repository.forget.SWEEP_DAYS", 1)
    entries = write(Store(known), 110, when=time.time() - 399 * DAY)

    forget(known, "greeter")

    assert Store(known).history("greeter", 200) == entries[::-1]


def published(store: Store, count: int, age_days: int) -> list[str]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age_days * DAY))
    versions = [f"1.0-{number}.{number:07x}" for number in range(1, count + 1)]
    for version in versions:
        known = {
            "version": version,
            "package": "greeter-tools",
            "sha256": "a",
            "commit": "b",
            "published_at": at,
        }
        store.put(f"cicd/greeter/packages/{version}", known)
    return versions


def test_the_record_of_a_version_whose_package_is_gone_is_found_until_its_days_are_over(known, monkeypatch):
    monkeypatch.setattr(package_records, "ALONE", 2)
    monkeypatch.setattr("cicd.repository.forget.SWEEP_DAYS", 1)
    versions = published(Store(known), 5, age_days=399)

    forget(known, "greeter")

    assert len(Store(known).keys("cicd/greeter/packages/")) == 2
    assert [Ledger(known).find("greeter", version)["version"] for version in versions] == versions
    other = Record(
        Package("greeter-tools", versions[0], "b" * 40, "t", "c" * 64), "b", "nfpm", "u", "s", None, None
    )
    with pytest.raises(Refused, match="recorded with other content"):
        Ledger(known).record("greeter", other)


def test_old_records_go_except_those_whose_package_is_published(known, monkeypatch):
    monkeypatch.setattr(package_records, "ALONE", 2)
    monkeypatch.setattr("cicd.repository.forget.SWEEP_DAYS", 1)
    versions = published(Store(known), 5, age_days=401)

    forget(known, "greeter", {versions[1]})

    kept = [version for version in versions if Ledger(known).find("greeter", version)]
    assert kept == [versions[1], *versions[-2:]]


def test_a_name_stays_its_projects_when_the_records_that_said_so_are_folded(known, monkeypatch):
    monkeypatch.setattr(package_records, "ALONE", 0)
    published(Store(known), 3, age_days=1)

    forget(known, "greeter")

    assert Names(known).owner("greeter-tools") == "greeter"
    assert "greeter-tools" in Names(known).of(known.project("greeter"))


def test_an_exception_from_ci_is_forgotten_with_the_history_that_tells_of_it(known):
    store = Store(known)
    for age in (399, 401):
        store.put(f"cicd/greeter/past_ci/{age:040d}", {"who": "ann", "when": time.time() - age * DAY})

    forget(known, "greeter")

    assert [int(key[-3:]) for key in store.keys("cicd/greeter/past_ci/")] == [399]


EVENTS = st.lists(
    st.tuples(st.sampled_from(PAIR.names), st.sampled_from(["confirm", "promote"]), st.integers(1, 9))
)


@given(EVENTS, st.integers(0, 40))
def test_what_is_read_of_the_history_keeps_the_same_versions_as_all_of_it(events, since):
    rings = {name: Ring() for name in PAIR.names}
    history = []
    for number, (ring, what, commits) in enumerate(events):
        version = f"1.0-{commits}.{commits:07x}"
        history.append(
            {"what": what, "ring": ring, "to": version, "when": float(number), "generation": number}
        )
        build = Build(version, "greeter", "", "", "")
        good = build if what == "confirm" else rings[ring].last_good
        rings[ring] = Ring("healthy", build, good, None, number, float(number))
    release = Release("greeter", rings=rings)
    entries = [{"Version": f"1.0-{n}.{n:07x}", "Package": "greeter"} for n in range(1, 10)]

    def kept(told: list[dict]) -> set[str]:
        return {one.version for one in choose(entries, release, told, 1, float(since)) if one.why}

    assert kept(list(recent(reversed(history), release, float(since)))) == kept(history)


def test_many_days_of_deploys_leave_less_than_the_limits(consul, monkeypatch):
    monkeypatch.setattr(consul_module, "CHANGES_ALONE", 40)
    monkeypatch.setattr(consul_module, "FOLDED_AT_ONCE", 20)
    monkeypatch.setattr(package_records, "ALONE", 10)
    monkeypatch.setattr("cicd.repository.forget.SWEEP_DAYS", 1)
    monkeypatch.setattr(year, "FULL", 10)
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    settings = year.settings(consul, 2)
    simulated = year.Year(settings, time.time(), per_day=25)

    simulated.pass_days(5)

    store = Store(settings)
    assert len(store.keys("cicd/greeter/history/")) <= 40 + 20
    assert len(store.keys("cicd/greeter/packages/")) == 10
    assert {
        n for n, (value, limit) in year.limits(simulated.left(), simulated, 2, 25).items() if value > limit
    } == set()
    assert not store.changes("greeter").find("00000001")
    assert store.changes("greeter").find(f"{5 * 100 - 2 * 100:08d}")
