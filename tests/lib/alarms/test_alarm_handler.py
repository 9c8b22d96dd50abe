"""An alarm in a real Consul: what it takes back, once whatever is sent at the same time, and what is kept."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from cicd import config
from cicd.alarms import alarm_handler, alarm_log
from cicd.alarms.alarm_handler import Outcome
from cicd.ci import event_log
from cicd.clients import consul as kv
from cicd.deploy import commands
from cicd.deploy.deploy import Deploy
from cicd.errors import ConfigError, InputError, Refused
from cicd.fleet.rollout_log import Logbook
from cicd.release import firing, transitions
from cicd.release.host_report import HostReport
from cicd.release.record import Cause, Release
from cicd.reports import overview
from cicd.store.store import Store
from tests.lib.consul_settings import changed, settings
from tests.lib.deploy_process import build

HOSTS = {"web1": ["greeter::app", "greeter::app_canary"], "web2": ["greeter::app"]}
GIVEN = {"project": "greeter", "host": "web1", "check": "errors", "status": "firing", "source": "grafana"}


@pytest.fixture
def known(consul: str) -> Iterator[config.Settings]:
    """Two hosts, and two versions that were good on both rings, deployed just now."""
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    for name, tags in HOSTS.items():
        register(consul, name, tags, "passing")
    made = settings(consul)
    for commits in (1, 2):
        advertise(made, commits)
        change(made, "promote", "production", lambda r: transitions.promote(r, time.time(), 0))
        confirm(made, "production")
    yield made
    for name in HOSTS:
        requests.put(f"{consul}/v1/catalog/deregister", json={"Node": name}, timeout=10).raise_for_status()


def register(consul: str, name: str, tags: list[str], status: str, check_id: str = "answers") -> None:
    """Not with Serf's check what must stay: once a minute Consul removes a node that Serf does not know."""
    service = {"ID": "greeter", "Service": "greeter", "Tags": tags, "Port": 80}
    check = {"CheckID": check_id, "Name": check_id, "Status": status, "Node": name}
    entry = {"Node": name, "Address": "127.0.0.1", "Service": service, "Check": check}
    requests.put(f"{consul}/v1/catalog/register", json=entry, timeout=10).raise_for_status()


def change(made: config.Settings, what: str, ring: str, command) -> Release:
    return Store(made).change("greeter", what, ring, Cause("ann", what, time.time()), command)


def confirm(made: config.Settings, ring: str) -> None:
    generation = Store(made).release("greeter").ring(ring).generation
    change(made, "confirm", ring, lambda r: transitions.confirm(r, ring, generation, time.time()))


def advertise(made: config.Settings, commits: int) -> None:
    when = time.time()
    change(made, "advertise", "canary", lambda r: transitions.advertise_canary(r, build(commits), when))
    confirm(made, "canary")


def take(made: config.Settings, **changes: str) -> Outcome:
    return alarm_handler.take(made, {**GIVEN, **changes}, "stanley")


def versions(made: config.Settings) -> tuple[str, str]:
    known = Store(made).release("greeter")
    assert known.ring("canary").wanted
    assert known.ring("production").wanted
    return known.ring("canary").wanted.version, known.ring("production").wanted.version


OLD, NEW = build(1).version, build(2).version


def test_an_alarm_on_a_canary_host_takes_the_canary_back_and_history_says_so(known):
    outcome = take(known)

    assert outcome.tell
    assert outcome.decision.version == OLD
    assert versions(known) == (OLD, NEW)
    newest = Store(known).history("greeter", 1)[0]
    assert (newest["who"], newest["what"], newest["why"]) == (
        "grafana",
        "roll_back",
        "an alarm: errors on web1 (grafana)",
    )
    assert outcome.decision.generation == newest["generation"]


def test_one_alarm_that_is_spelled_in_several_ways_is_one(known):
    first = take(known, host="WEB1.example.com", check="p99 > 300 ms (über 5 %)")
    again = take(known, host="web1", check="p99 > 300 ms (über 5 %)", status="Triggered")
    over = take(known, host="Web1", check="p99 > 300 ms (über 5 %)", status="RECOVERED")

    assert (first.alarm.host, first.decision.what) == ("web1", "roll back")
    assert "already" in again.decision.reason
    assert over.decision.reason == "it is over"
    assert event_log.events(Store(known), 1)[0][0]["said"].startswith("p99 > 300 ms (über 5 %) on web1")


def test_that_a_host_is_absent_takes_nothing_back_while_its_agent_drains_it(consul, known):
    check = {"CheckID": "_service_maintenance:greeter", "Name": "Maintenance", "Status": "critical"}
    entry = {"Node": "web1", "ServiceID": "greeter", "Notes": "cicd-converge is updating this host", **check}
    body = {"Node": "web1", "Address": "127.0.0.1", "Check": entry}
    requests.put(f"{consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()
    drained = take(known, check="InstanceDown")
    gone = {"Node": "web1", "CheckID": "_service_maintenance:greeter"}
    requests.put(f"{consul}/v1/catalog/deregister", json=gone, timeout=10).raise_for_status()

    assert drained.decision.reason == "web1 is out of traffic to be updated, so it may be absent"
    assert take(known, check="InstanceDown").decision.what == "roll back"


@pytest.mark.parametrize(
    ("ended", "grace", "status", "what"),
    [(5, 60, "passing", "ignore"), (5, 60, "critical", "roll back"), (90, 60, "passing", "roll back"),
     (5, 0, "passing", "roll back"), (None, 60, "passing", "roll back")],
)  # fmt: skip
def test_an_absence_that_is_reported_late_takes_nothing_back_while_consul_sees_the_host_well(
    consul, known, ended, grace, status, what
):
    register(consul, "web1", HOSTS["web1"], status)
    generation = Store(known).release("greeter").ring("canary").generation
    with Logbook(known, "greeter", "canary", generation) as book:
        book.say(HostReport("web1", state="converged"))
    record = Store(known).json(book.key, dict)
    assert time.time() - record["hosts"]["web1"].pop("ended") < 60
    before = {} if ended is None else {"ended": time.time() - ended}
    Store(known).put(book.key, {**record, "hosts": {"web1": {**record["hosts"]["web1"], **before}}})

    graced = changed(known, "monitoring", absence_grace=grace)
    assert take(graced, check="InstanceDown").decision.what == what


def test_ten_alarms_at_the_same_time_act_once(known):
    before = Store(known).release("greeter").generation
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: take(known), range(10)))

    assert sorted(outcome.decision.what for outcome in outcomes) == [*9 * ["ignore"], "roll back"]
    assert Store(known).release("greeter").generation == before + 1
    assert sum(outcome.tell for outcome in outcomes) == 1
    reasons = [entry["reason"] for entry in event_log.events(Store(known), 20)[0]]
    assert len(reasons) < 10, "what is said again with the same outcome is no line of its own"


def test_an_alarm_that_fired_already_does_nothing_until_it_was_over(known):
    take(known)
    confirm(known, "canary")
    advertise(known, 3)

    before = take(known)
    take(known, status="resolved")
    again = take(known)

    assert "fired already before" in before.decision.reason
    assert again.decision.what == "roll back"
    assert versions(known) == (OLD, NEW)


def test_a_newer_deploy_that_came_in_between_is_not_taken_back(known):
    generation = Store(known).release("greeter").ring("canary").generation
    advertise(known, 3)

    with pytest.raises(Refused, match="moved on while an alarm"):
        Deploy(known, "greeter", "stanley").roll_back("canary", "errors (grafana)", generation)
    assert versions(known)[0] == build(3).version


def test_a_rollback_by_hand_says_what_it_said_before(known):
    Deploy(known, "greeter", "ann").roll_back("canary")

    assert Store(known).history("greeter", 1)[0]["why"] == "roll back"


def test_a_ring_that_cannot_be_taken_back_is_told_of_and_stays(known, consul):
    register(consul, "web1", HOSTS["web1"], "critical", "serfHealth")
    outcome = take(known)

    assert (outcome.decision.what, outcome.tell) == ("failed", True)
    assert "canary could not be rolled back: greeter has no canary host" in outcome.decision.reason
    assert versions(known) == (NEW, NEW)


@pytest.mark.parametrize("host", ["web2", ""])
def test_where_production_is_for_people_the_alarm_says_who_may(known, consul, host):
    rules = {"deploy": {"auto_rollback": False}, "access": {"rollback": ["ann", "bob"]}}
    outcome = take(settings(consul, **rules), host=host)

    assert (outcome.decision.what, outcome.tell) == ("ask", True)
    assert "ann, bob decides" in outcome.decision.reason
    assert versions(known) == (NEW, NEW)


def test_a_baking_canary_is_watched_longer_than_the_window(consul, known):
    short = {"alarm_window": 1, "min_bake_seconds": 600}
    made = settings(consul, deploy=short)
    time.sleep(1.1)

    assert "production ended more than 1 s ago" in take(made, host="web2").decision.reason
    assert take(made).decision.what == "roll back"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"project": "nosuch"}, ConfigError, "nosuch is not configured"),
        ({"project": "everything"}, ConfigError, "everything is not configured"),
        ({"host": "{{ config_context }}"}, InputError, "is not a valid host"),
        ({"status": ""}, InputError, "is not a valid status"),
    ],
)
def test_what_cannot_be_used_is_refused_and_listed(known, changes, error, said):
    with pytest.raises(error, match=said):
        take(known, **changes)
    newest = event_log.events(Store(known), 1)[0][0]

    assert said in newest["reason"]
    assert "{{" not in newest["reason"]
    assert Store(known).json(firing.key("greeter"), dict) is None


def installed(made: config.Settings, version: str) -> None:
    """Let the canary host report *version*."""
    Store(made).put("cicd/greeter/hosts/web1", {"installed": version})


@pytest.fixture
def ready(consul, known) -> config.Settings:
    """A canary that may be promoted, of a project whose alarms take nothing back."""
    made = settings(consul, deploy={"alarm_window": 0, "min_bake_seconds": 0})
    advertise(made, 3)
    installed(made, build(3).version)
    Store(made).put(f"cicd/greeter/packages/{build(3).version}", {"ci": {"passed": True, "build": 3}})
    return made


def refusals(made: config.Settings) -> list[str]:
    """What each that decides on a promotion says; empty where it is allowed."""
    deploy, said = Deploy(made, "greeter", "ann"), []
    for ask in (
        lambda: commands.promotable(deploy.look_before_promotion(), "production"),
        lambda: deploy.promote("production"),
    ):
        try:
            ask()
            said.append("")
        except Refused as refusal:
            said.append(f"{refusal.message} {refusal.hint}")
    shown = overview.project_status(made, "greeter")["message"].splitlines()[-1]
    return [*said, shown.removeprefix("  next: ")]


@pytest.mark.parametrize("host", ["web1", ""])
def test_while_an_alarm_fires_everything_that_decides_says_the_same_and_a_person_can_end_it(ready, host):
    take(ready, host=host)
    checked, promoted, next_ = refusals(ready)

    assert "is not promoted while an alarm fires: errors" in checked
    assert checked == promoted == next_
    assert versions(ready)[1] == NEW
    alarm_handler.take(ready, {**GIVEN, "host": host, "status": "resolved"}, "ann")
    assert "  ann  greeter: ignore: it is over" in event_log.lines(event_log.events(Store(ready), 1)[0])
    assert refusals(ready)[:2] == ["", ""]
    assert versions(ready)[1] == build(3).version


def test_an_alarm_that_comes_between_the_look_and_the_write_is_not_missed(ready, monkeypatch):
    send, sent = kv.Impatient.send, []

    def late(self, request, **options):
        if request.url.endswith("/v1/txn") and not sent:
            sent.append(request)
            take(ready)
        return send(self, request, **options)

    monkeypatch.setattr(kv.Impatient, "send", late)

    with pytest.raises(Refused, match="while an alarm fires"):
        Deploy(ready, "greeter", "ann").promote("production")
    assert sent
    assert versions(ready)[1] == NEW


def test_alarms_that_come_all_the_time_do_not_keep_a_rollback_from_being_written(ready, monkeypatch):
    send = kv.Impatient.send

    def stormy(self, request, **options):
        if request.url.endswith("/v1/txn"):
            Store(ready).update(firing.key("greeter"), lambda memory: {**memory, "at": time.time()})
        return send(self, request, **options)

    monkeypatch.setattr(kv.Impatient, "send", stormy)

    assert Deploy(ready, "greeter", "ann").roll_back("canary").ring("canary").wanted == build(2)


def test_alarms_that_cannot_be_read_stop_a_promotion_and_say_how_to_go_on(ready, consul):
    requests.put(f"{consul}/v1/kv/{firing.key('greeter')}", data="odd", timeout=10).raise_for_status()

    with pytest.raises(Refused, match="Whether an alarm fires is not known") as refusal:
        Deploy(ready, "greeter", "ann").promote("production")
    assert refusal.value.hint.endswith("consul kv delete cicd/greeter/alarms/firing")


def test_decisions_are_lines_among_the_others_and_what_fires_is_shown(known):
    take(known, host="web9")
    take(known, host="web9", status="acknowledged")

    lines = event_log.lines(event_log.events(Store(known), 10, "greeter")[0]).splitlines()
    assert lines[0].endswith(
        "alarm errors on web9 (grafana) acknowledged  greeter: ignore: "
        "acknowledged says neither that it fires nor that it is over"
    )
    assert lines[1].endswith("greeter: ignore: web9 is not a host of greeter in Consul")
    shown = overview.project_status(known, "greeter")["message"]
    assert re.search(r"alarm: errors on web9 \(grafana\), for \d+ s", shown)


def test_what_the_gateway_could_not_use_is_one_line_however_often_it_is_sent(known):
    for number, reason in enumerate(
        ["the host is not text", "the status is missing", "the host is not text"]
    ):
        alarm_log.refuse(Store(known), reason, time.time() + number, "grafana")

    lines = event_log.lines(event_log.events(Store(known), 10)[0]).splitlines()
    assert [line.partition("Z  ")[2] for line in lines if "of grafana" in line] == [
        "alarm of grafana  ignore: the host is not text",
        "alarm of grafana  ignore: the status is missing",
    ]


def test_only_the_newest_decisions_are_kept(known, monkeypatch):
    monkeypatch.setattr(alarm_log, "KEPT", 3)
    for number in range(5):
        take(known, host="web9", check=f"check {number}")

    assert len(Store(known).keys(event_log.ALARMS)) == 3
