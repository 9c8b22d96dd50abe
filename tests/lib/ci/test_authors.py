"""Who counts as an author of a commit: people are added to them, and nobody can be taken off."""

import pytest
import requests

from cicd.ci import authors, github_push, inbox, push_handler
from cicd.ci.push import Push
from cicd.errors import InputError, Refused
from cicd.release import record
from cicd.release.lifecycle import PAIR
from cicd.release.record import Build
from cicd.store.store import Store
from tests.lib.consul_settings import settings

A = "a" * 40
PUSH = Push("acme/greeter", "refs/heads/main", A, "eve", authors=("eve", "ann"), skip_ci=True)


@pytest.fixture
def store(consul: str) -> Store:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    return Store(settings(consul))


def test_names_are_added_and_none_is_ever_taken_off(store):
    for names in (["eve"], [], ["bob", ""], ["eve"]):
        authors.add(store, "greeter", A, names)

    assert authors.of(store, "greeter", A) == ("bob", "eve")
    assert authors.of(store, "greeter", "b" * 40) == ()


def test_the_authors_of_a_push_that_is_not_built_count_for_whoever_asks_for_it_later(consul, store):
    ignored = push_handler.take(settings(consul), store, PUSH, "github")
    asked = github_push.asked_for("acme/greeter", "main", A, "bob", "carol")
    built = push_handler.take(settings(consul), store, asked, "person", "greeter")

    assert [one.decision.build for one in (*ignored, *built)] == [False, True]
    assert authors.of(store, "greeter", A) == ("ann", "bob", "carol", "eve")


def test_a_push_of_a_commit_that_is_under_way_adds_its_authors(consul, store):
    asked = github_push.asked_for("acme/greeter", "main", A, "bob")
    push_handler.take(settings(consul), store, asked, "person", "greeter")
    push_handler.take(settings(consul), store, PUSH, "github")

    assert authors.of(store, "greeter", A) == ("ann", "bob", "eve")


def test_the_oldest_commits_are_forgotten_beyond_those_that_are_kept(store, monkeypatch):
    monkeypatch.setattr(authors, "KEPT", 2)
    monkeypatch.setattr(authors, "MORE", 0)
    for number in range(4):
        authors.add(store, "greeter", f"{number:040x}", ["eve"])

    known = [authors.of(store, "greeter", f"{number:040x}") for number in range(4)]
    assert known == [(), (), ("eve",), ("eve",)]


def test_a_record_of_one_author_or_of_none_is_still_read(store):
    ring = {"state": "healthy", "generation": 1, "since": 0.0, "good": None, "earlier": None}
    known = {"version": "1.0-1.a", "package": "greeter", "commit": A, "sha256": "", "trace": ""}
    for more, expected in (({"author": "eve"}, ("eve",)), ({"author": ""}, ()), ({}, ())):
        rings = {name: {**ring, "wanted": {**known, **more}} for name in PAIR.names}
        read = record.from_json({"project": "greeter", "generation": 1, **rings})
        assert read.ring("canary").wanted.authors == expected
        assert record.from_json(record.to_json(read)).ring("canary").wanted.authors == expected


def test_several_authors_are_kept_in_the_record():
    build = Build("1.0-1.a", "greeter", A, "", "", authors=("ann", "eve"))
    kept = record.Release("greeter", rings={"canary": record.Ring(wanted=build)})

    assert record.from_json(record.to_json(kept)).ring("canary").wanted.authors == ("ann", "eve")


def test_a_push_is_found_by_its_id_until_newer_ones_take_its_room(store, monkeypatch):
    monkeypatch.setattr(inbox, "KEPT", 1)
    first = inbox.put(store, {"ref": "refs/heads/main"})
    assert inbox.get(store, first) == {"ref": "refs/heads/main"}
    inbox.put(store, {"ref": "refs/heads/topic"})

    with pytest.raises(Refused, match="not known any more"):
        inbox.get(store, first)
    with pytest.raises(InputError):
        inbox.get(store, "../greeter/release")
