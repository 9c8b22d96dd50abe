"""Which hosts are not as their ring wants them."""

import dataclasses
import json
import time

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cicd import config
from cicd.errors import Refused
from cicd.fleet import drift, drift_monitor, registrations
from cicd.fleet.drift import Drift, Limits
from cicd.release.host import ConsulHost, from_consul
from cicd.release.host_report import HostReport, parse
from cicd.release.record import to_json
from cicd.release.transitions import DEPLOYING, HEALTHY, RESTORING, STOPPED, Build, Release, Ring
from cicd.store.store import Store
from tests.lib.consul_settings import changed

BUILD = Build("2.0-2.abcdef0", "greeter", "a" * 40, "0" * 64, "")
NOW = 1_000_000.0
LIMITS = Limits()
GOOD = {"installed": BUILD.version, "state": "unchanged", "dpkg": "installed", "agent": "0.1.0", "edited": ""}


def release(state: str = HEALTHY, since: float = NOW - 1000) -> Release:
    return Release("greeter", 7, {"production": Ring(state, BUILD, BUILD, None, 7, since)})


def kinds(
    report: dict | None = None, known: Release | None = None, quiet: float = 0.0, limits: Limits = LIMITS
) -> list[str]:
    reports = {} if report is None else {"web3": parse({**GOOD, **report})}
    rings = {"web3": "production"}
    found = drift.find(known or release(), rings, reports, {"web3": quiet}, NOW, limits)
    return [one.kind for one in found]


def test_a_host_as_it_should_be_is_no_news():
    assert kinds({}) == []


def test_another_version_is_drift_that_a_run_may_cure():
    assert kinds({"installed": "1.0-1.abcdef0"}) == [drift.WRONG_VERSION]
    assert kinds({"installed": "", "dpkg": ""}) == [drift.WRONG_VERSION]


@pytest.mark.parametrize("state", [DEPLOYING, STOPPED])
def test_another_version_is_expected_while_a_deploy_walks_the_ring_or_stopped(state):
    assert kinds({"installed": "1.0-1.abcdef0"}, release(state)) == []


def test_hosts_have_time_to_follow_a_change():
    young = release(RESTORING, since=NOW - 10)

    assert kinds({"installed": "1.0-1.abcdef0"}, young) == []
    assert kinds({"installed": "1.0-1.abcdef0"}, young, limits=Limits(follow=5)) == [drift.WRONG_VERSION]


def test_a_held_host_is_left_alone():
    assert kinds({"installed": "1.0-1.abcdef0", "state": "held", "code": "lock"}) == []


@pytest.mark.parametrize("state", ["half-configured", "unpacked", "half-installed", "triggers-pending"])
def test_what_dpkg_did_not_end_is_drift_that_a_run_may_cure(state):
    assert kinds({"installed": "", "dpkg": state}) == [drift.HALF_CONFIGURED]


def test_edited_files_are_told_with_the_command_that_undoes_it():
    report = {"web3": parse({**GOOD, "edited": "/opt/greeter/greeter.py"})}
    (found,) = drift.find(release(), {"web3": "production"}, report, {}, NOW)

    assert (found.kind, found.repairable) == (drift.EDITED, False)
    assert "/opt/greeter/greeter.py" in found.message
    assert "cicd-converge --repair greeter" in found.message


def test_a_silent_host_is_told_whether_it_ever_spoke_or_not():
    assert kinds({}, quiet=301) == [drift.SILENT]
    assert kinds(None, quiet=301) == [drift.SILENT]
    assert kinds(None, quiet=299) == []


def test_a_host_that_reports_without_a_service_is_unknown():
    (found,) = drift.find(release(), {}, {"web9": parse(GOOD)}, {}, NOW)

    assert (found.host, found.kind, found.repairable) == ("web9", drift.UNKNOWN, False)


def entry(identifier: str = "greeter", address: str = "127.0.0.9") -> ConsulHost:
    service = {"ID": identifier, "Address": address, "Port": 80, "Tags": ["greeter::app"]}
    node = {"Node": "web3", "Address": "127.0.0.9"}
    return from_consul({"Node": node, "Service": service, "Checks": []})


def test_a_registration_that_the_hosts_own_agent_does_not_know_is_strange():
    own = {"web3": HostReport(registered="greeter at 127.0.0.9:80")}

    assert registrations.foreign([entry()], own) == {}
    assert (
        registrations.foreign([entry()], {}) == registrations.foreign([entry()], {"web3": HostReport()}) == {}
    )
    assert "127.0.0.66:80" in registrations.foreign([entry(address="127.0.0.66")], own)["web3"]
    assert "2 times" in registrations.foreign([entry(), entry("evil")], own)["web3"]


def test_a_host_that_notices_a_foreign_registration_is_told_at_once():
    assert kinds({"foreign": "evil at 127.0.0.66:80"}) == [drift.FOREIGN]


@pytest.mark.parametrize(
    ("agent", "old"), [("0.1.0", False), ("0.10", False), ("0.0.9", True), ("", True), ("x", True)]
)
def test_an_agent_that_is_too_old_is_told(agent, old):
    assert kinds({"agent": agent}) == ([drift.OLD_AGENT] if old else [])


def test_drift_is_told_once_until_it_has_gone_and_come_back():
    found = drift.find(
        release(), {"web3": "production"}, {"web3": parse({**GOOD, "installed": "1-1.a"})}, {}, NOW
    )
    known = [one.key for one in found]

    assert drift.news(found, []) == found
    assert drift.news(found, known) == []
    later = [dataclasses.replace(found[0], wanted="3.0-3.abcdef0")]
    assert drift.news(later, known) == later


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.text(max_size=30) | st.none() | st.integers()))
def test_no_report_whatever_it_holds_stops_the_watch(report):
    found = drift.find(release(), {"web3": "production"}, {"web3": parse(report)}, {}, NOW)

    assert all(isinstance(one, Drift) for one in found)
    assert "{{" not in json.dumps([drift_monitor.payload(one) for one in found])


@pytest.fixture
def settings(consul: str) -> config.Settings:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    found = config.parse(
        {
            "consul": {"url": consul},
            "jenkins": {"url": "http://none", "token_file": "none"},
            "ssh": {"private_key_file": "none", "known_hosts_file": "none"},
            "repository": {"url": "http://none", "config_file": "none", "gpg_key": "none"},
            "projects": {"greeter": {"repository": "acme/greeter"}},
        }
    )
    return changed(found, "drift", silent_seconds=0.2, follow_seconds=0)


def offer(consul: str) -> None:
    service = {"Service": "greeter", "ID": "greeter", "Tags": ["greeter::app"], "Address": "127.0.0.9"}
    body = {"Node": "web3", "Address": "127.0.0.9", "Service": service}
    requests.put(f"{consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()


@pytest.fixture
def world(consul: str, settings: config.Settings):
    """A host web3 in a real Consul, whose catalog takes hosts that no agent runs on."""

    def put(path: str, body: object) -> None:
        requests.put(f"{consul}{path}", data=json.dumps(body), timeout=10).raise_for_status()

    def report(host: str, **changed: object) -> None:
        put(f"/v1/kv/cicd/greeter/hosts/{host}", {**GOOD, "at": time.time(), **changed})

    offer(consul)
    put("/v1/kv/cicd/greeter/release", to_json(release(since=time.time() - 10)))
    yield report
    put("/v1/catalog/deregister", {"Node": "web3"})


def look(watch: drift_monitor.Watch, settings: config.Settings) -> list[tuple[str, str]]:
    return [(one.host, one.kind) for one in watch.look(settings, Store(settings))]


def test_the_watch_reads_what_hosts_report_to_consul(settings, world):
    watch = drift_monitor.Watch()
    world("web3")
    assert look(watch, settings) == []

    world("web3", installed="1.0-1.abcdef0")
    world("web9")
    assert look(watch, settings) == [("web3", drift.WRONG_VERSION), ("web9", drift.UNKNOWN)]


def test_a_registration_that_stays_strange_is_told(settings, world):
    watch, slow = drift_monitor.Watch(), changed(settings, "drift", silent_seconds=300, follow_seconds=300)
    world("web3", registered="greeter at 127.0.0.66:0")

    assert look(watch, slow) == []
    assert look(watch, settings) == [("web3", drift.FOREIGN)]
    world("web3", registered="greeter at 127.0.0.9:0")
    assert look(watch, settings) == []


def test_silence_is_measured_by_the_watchs_clock_not_the_hosts(settings, world):
    watch = drift_monitor.Watch()
    world("web3", at="1970-01-01T00:00:00Z")
    assert look(watch, settings) == []
    time.sleep(0.3)
    assert look(watch, settings) == [("web3", drift.SILENT)]
    world("web3", at="1970-01-01T00:01:00Z")
    assert look(watch, settings) == []


@pytest.fixture
def sign(consul: str):
    """Say what Consul knows of web3's check and of its agent."""

    def put(converges: str, agent: str = "passing") -> None:
        service = {"Service": "cicd-converge"}
        mine = {"CheckID": "cicd-converge:greeter", "ServiceID": "cicd-converge", "Status": converges}
        serf = {"CheckID": "serfHealth", "Name": "serf", "Status": agent}
        body = {"Node": "web3", "Address": "127.0.0.9", "Service": service, "Checks": [mine, serf]}
        offer(consul)  # once a minute Consul forgets whoever has such a check and is no member
        requests.put(f"{consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()

    return put


def test_a_host_whose_check_is_renewed_is_not_silent_however_old_its_report_is(settings, world, sign):
    watch = drift_monitor.Watch()
    world("web3", alive="check")
    sign("passing")
    assert look(watch, settings) == []
    time.sleep(0.3)
    sign("passing")
    assert look(watch, settings) == []


def test_a_host_whose_timer_is_dead_is_silent_though_its_agent_lives(settings, world, sign):
    world("web3", alive="check")
    sign("critical")
    assert look(drift_monitor.Watch(), settings) == [("web3", drift.SILENT)]


@pytest.mark.parametrize("agent", ["passing", "critical"])
def test_a_host_without_agent_or_check_is_silent_after_a_while(settings, world, sign, agent):
    watch = drift_monitor.Watch()
    world("web3", alive="check")

    def still() -> None:
        if agent == "critical":
            sign("passing", agent)

    still()
    assert look(watch, settings) == []
    time.sleep(0.3)
    still()
    assert look(watch, settings) == [("web3", drift.SILENT)]


def test_a_host_that_tells_every_report_is_judged_by_them(settings, world, sign):
    watch = drift_monitor.Watch()
    sign("passing")
    world("web3", alive="report")
    assert look(watch, settings) == []
    time.sleep(0.3)
    sign("passing")
    assert look(watch, settings) == [("web3", drift.SILENT)]


def test_a_host_that_does_not_offer_the_project_is_not_logged_in_to(settings, world):
    with pytest.raises(Refused, match="web9 does not offer greeter"):
        drift_monitor.converge(settings, settings.project("greeter"), "web9")
