"""A canary in a real Consul is looked at until it is promoted, goes back, or waits for a person."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from cicd import config
from cicd.alarms.alarm import ASK, FAILED, IGNORE, ROLL_BACK
from cicd.analysis import analyst, looks, sources
from cicd.analysis.analyst import Outcome
from cicd.analysis.asked import Asked, Memory
from cicd.deploy import auto_promotions
from cicd.deploy.deploy import Deploy
from cicd.errors import Refused
from cicd.release import analysis, transitions
from cicd.release.analysis import Counts, Observation
from cicd.release.record import Cause, Release, Ring
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE
from cicd.reports import overview, report
from cicd.store.snapshot import Look
from cicd.store.store import Store
from tests.lib.consul_settings import settings
from tests.lib.deploy_process import build
from tests.lib.stage import recorded

HOSTS = {"web1": ["greeter::app", "greeter::app_canary"], "web2": ["greeter::app"], "web3": ["greeter::app"]}
NOBODY = Observation("haproxy", INCONCLUSIVE, "it has begun", 0.0)


class Balancer:
    """Stands in for all balancers: says what it is told to say, and remembers how often it was asked."""

    says = NOBODY
    asked: list[Asked]

    def __call__(self, question: Asked, memory: Memory) -> tuple[Observation, Memory]:
        self.asked.append(question)
        return replace(self.says, when=question.now), {"looks": int(str(memory.get("looks", 0))) + 1}


@pytest.fixture
def balancer(monkeypatch: pytest.MonkeyPatch) -> Balancer:
    found = Balancer()
    found.asked = []
    monkeypatch.setitem(sources.ALL, "haproxy", found)  # type: ignore[arg-type]
    return found


def made(consul: str, ring: Any = None, **more: Any) -> config.Settings:
    judged = {"sources": ["haproxy"], "looks": 2, "limit": 1, **more}
    rings = [{"name": "canary", "tag": "greeter::app_canary"}, {"name": "production", **(ring or {})}]
    project = {"repository": "acme/greeter", "min_bake_seconds": 0, "rings": rings, "analysis": judged}
    return settings(
        consul, projects={"greeter": project}, monitoring={"haproxy": ["http://127.0.0.1:1/stats;csv"]}
    )


@pytest.fixture
def known(consul: str) -> Iterator[config.Settings]:
    """Three hosts, and two versions of which the second is the canary just now."""
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    for name, tags in HOSTS.items():
        service = {"ID": "greeter", "Service": "greeter", "Tags": tags, "Port": 80}
        check = {"CheckID": "answers", "Name": "answers", "Status": "passing", "Node": name}
        entry = {"Node": name, "Address": "127.0.0.1", "Service": service, "Check": check}
        requests.put(f"{consul}/v1/catalog/register", json=entry, timeout=10).raise_for_status()
    found = made(consul)
    deploy(found, 1)
    change(found, "production", lambda r: transitions.promote(r, time.time(), 0))
    confirm(found, "production")
    deploy(found, 2)
    store = Store(found)
    store.put("cicd/greeter/hosts/web1", {"installed": build(2).version})
    store.commit([recorded(2)])
    yield found
    for name in HOSTS:
        requests.put(f"{consul}/v1/catalog/deregister", json={"Node": name}, timeout=10).raise_for_status()


def change(found: config.Settings, ring: str, command) -> Release:
    return Store(found).change("greeter", "change", ring, Cause("ann", "test", time.time()), command)


def deploy(found: config.Settings, commits: int) -> None:
    change(found, "canary", lambda r: transitions.advertise_canary(r, build(commits), time.time()))
    confirm(found, "canary")


def confirm(found: config.Settings, ring: str) -> None:
    generation = Store(found).release("greeter").ring(ring).generation
    change(found, ring, lambda r: transitions.confirm(r, ring, generation, time.time()))


def canary(found: config.Settings) -> Ring:
    return Store(found).release("greeter").ring("canary")


def age(found: config.Settings) -> None:
    """Let the analysis have begun a second earlier, so that the next look is due."""
    ring = canary(found)
    began = ring.analysis.began - 1
    older = replace(ring, analysis=replace(ring.analysis, began=began))
    key = analyst.key("greeter", "canary")
    Store(found).update(key, lambda memory: {**memory, "began": began})
    store = Store(found)
    seen = store.look(Look(found.project("greeter"), hosts=False))
    assert store.amend(seen, seen.release.with_ring("canary", older))


def take(found: config.Settings) -> Outcome:
    return analyst.take(found, "greeter", "canary", canary(found).generation, "stanley", "e1")


def look(found: config.Settings, balancer: Balancer, says: Observation) -> Outcome:
    if canary(found).analysis is None:
        take(found)
    age(found)
    balancer.says = says
    return take(found)


def said(outcome: str, requests_: int = 20, failures: int = 0) -> Observation:
    return Observation("haproxy", outcome, f"{outcome} it is", 0.0, Counts(requests_, failures), Counts(90))


def test_the_first_look_only_remembers_and_the_second_is_not_due_at_once(known, balancer):
    generation = Store(known).release("greeter").generation
    first, second = take(known), take(known)

    assert first.found == analysis.begun(canary(known).generation, 2, first.found.when)
    assert second.found is None
    (question,) = balancer.asked
    assert [host.name for host in question.canary] == ["web1"]
    assert sorted(host.name for host in question.baseline) == ["web2", "web3"]
    assert Store(known).release("greeter").generation == generation, "no look but the last is a change"


def test_a_bad_canary_goes_back_once_and_history_record_and_github_have_the_figures(known, balancer):
    found = look(known, balancer, said(BAD, 20, 19))

    assert (found.decision.what, found.decision.version) == (ROLL_BACK, build(1).version)
    assert found.tell
    assert canary(known).wanted == build(1)
    back, judged = Store(known).history("greeter", 2)
    assert back["why"] == "its analysis says bad after 1 of 2 measurements: haproxy: bad it is"
    assert (judged["what"], judged["to"]) == ("judge", build(2).version)
    assert judged["analysis"]["observations"][0]["canary"] == {"requests": 20, "failures": 19, "slow": None}
    (told,) = report.of_history([{**judged, "trace": "acme/greeter@" + "2" * 40}], judged["generation"] - 1)
    assert (told.state, told.context) == ("failure", "cicd/canary")
    assert f"{build(2).version} on canary: bad after 1 of 2 measurements" in told.said
    assert take(known).decision.what == IGNORE, "it is going back"


def test_a_look_that_died_after_it_found_a_bad_canary_is_made_good_by_the_next(known, balancer, monkeypatch):
    monkeypatch.setattr(analyst, "_answered", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        look(known, balancer, said(BAD))
    monkeypatch.undo()
    assert canary(known).wanted == build(2)

    ((_, event),) = looks.find(known, Store(known))
    assert (event["ring"], event["looks"]) == ("canary", 1)
    assert take(known).decision.what == ROLL_BACK
    assert canary(known).wanted == build(1)


def test_a_canary_that_cannot_go_back_waits_for_a_person(known, balancer):
    change(known, "canary", lambda r: r.with_ring("canary", replace(r.ring("canary"), previous_good=None)))
    found = look(known, balancer, said(BAD))

    assert (found.decision.what, found.tell) == (ASK, True)
    assert "no earlier good version" in found.said
    assert not list(looks.find(known, Store(known))), "nothing is asked for again and again"


def test_a_going_back_that_cannot_be_is_told_once_and_tried_again(known, consul, balancer):
    web1 = requests.get(f"{consul}/v1/catalog/node/web1", timeout=10).json()
    requests.put(f"{consul}/v1/catalog/deregister", json={"Node": "web1"}, timeout=10).raise_for_status()
    first, second = look(known, balancer, said(BAD)), take(known)

    assert [(one.decision.what, one.tell) for one in (first, second)] == [(FAILED, True), (FAILED, False)]
    service = {**web1["Services"]["greeter"]}
    entry = {"Node": "web1", "Address": "127.0.0.1", "Service": service}
    requests.put(f"{consul}/v1/catalog/register", json=entry, timeout=10).raise_for_status()
    back = take(known)
    assert (back.decision.what, back.tell) == (ROLL_BACK, True)


def test_a_good_canary_is_promoted_and_the_history_says_by_what(known, balancer):
    ann = Deploy(known, "greeter", "ann")
    with pytest.raises(Refused, match="has not been judged on canary yet"):
        ann.promote("production")
    look(known, balancer, said(INCONCLUSIVE))
    with pytest.raises(Refused, match="is being judged on canary: inconclusive after 1 of 2 measurements"):
        ann.promote("production")
    assert (
        "canary is inconclusive after 1 of 2 measurements"
        in overview.project_status(known, "greeter")["message"]
    )
    found = look(known, balancer, said(GOOD))

    assert (found.found.outcome, found.tell) == (GOOD, True)
    assert ann.promote("production").ring("production").wanted == build(2)
    (entry,) = Store(known).history("greeter", 1)
    assert (
        entry["why"] == "promote the canary; canary was good after 2 of 2 measurements: haproxy: good it is"
    )
    assert not list(looks.find(known, Store(known)))


def test_a_deploy_in_between_forgets_the_look(known, balancer):
    take(known)
    age(known)

    class Busy(Balancer):
        def __call__(self, question: Asked, memory: Memory) -> tuple[Observation, Memory]:
            deploy(known, 3)
            return said(BAD), {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sources.ALL, "haproxy", Busy())
        assert take(known).found is None
    assert (canary(known).wanted, canary(known).analysis) == (build(3), None)


def test_the_memory_of_sources_is_one_of_this_analysis_or_it_begins_anew(known, balancer):
    look(known, balancer, said(INCONCLUSIVE))
    key = analyst.key("greeter", "canary")
    assert Store(known).json(key, analyst.Remembered)["sources"] == {"haproxy": {"looks": 2}}
    Store(known).delete(key)
    age_without_memory = canary(known).analysis
    store = Store(known)
    seen = store.look(Look(known.project("greeter"), hosts=False))
    older = replace(age_without_memory, began=age_without_memory.began - 1)
    store.amend(seen, seen.release.with_ring("canary", replace(canary(known), analysis=older)))

    assert take(known).found.looks == 0
    assert (
        json.loads(json.dumps(Store(known).json(key, analyst.Remembered)))["sources"]["haproxy"]["looks"] == 1
    )


def test_what_is_uncertain_after_all_looks_is_promoted_by_a_person_alone(known, consul, balancer):
    auto = made(consul, {"promote": "auto"})
    for _ in range(2):
        found = look(auto, balancer, said(INCONCLUSIVE))

    assert found.found.is_over
    assert not list(auto_promotions.find(auto, Store(auto)))
    assert "A person decides" in overview.project_status(auto, "greeter")["next"]
    assert Deploy(auto, "greeter", "ann").promote("production").ring("production").wanted == build(2)


def test_without_an_analysis_nothing_is_looked_at_or_asked(consul, known):
    plain = settings(consul, projects={"greeter": {"repository": "acme/greeter"}})

    assert not list(looks.find(plain, Store(plain)))
    assert take(plain).found is None
