"""Each monitoring system's own form is read, and nothing that comes is dropped without a word."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cicd import identifiers
from cicd.alarms import alarm as alarms
from gateway import body
from gateway.alarms.alarm import HOST, PROJECT, Alarm
from gateway.alarms.harmless import UNSAFE, harmless
from gateway.alarms.names import Names
from gateway.alarms.reading import AT_ONCE, FORMS, read

BODIES = {
    path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "bodies").glob("*.json")
}
FIVE, LATENCY = "HTTP 5xx > 1 %", "Latency is > 300 ms"
READ = {
    "alertmanager": [("web1", FIVE, "firing"), ("web2", FIVE, "resolved")],
    "grafana": [("WEB1", "p99 (slow), 'front'", "firing")],
    "new_relic": [(f"web{n}.example.com", "Error percentage (high)", "activated") for n in (1, 2)],
    "datadog": [("web1", LATENCY, "triggered")],
    "datadog_variables": [("web1", LATENCY, "re-triggered")],
    "cloudwatch": [("i-bc8dcaa5", "Network In > 2 MB", "alarm")],
    "pagerduty": [("", 'A little bump in the "road"', "triggered")],
    "uptime_kuma": [("192.0.2.1", "Begrüßung (Startseite)", "down")],
    "own": [("web1", "HTTP 5xx over 1 percent", "firing")],
}
OF_A_PROJECT_IN_THE_URL = ("new_relic", "cloudwatch")


@pytest.mark.parametrize("system", sorted(BODIES))
def test_what_a_system_sends_is_read_as_it_is(system):
    found = read(BODIES[system], url={"project": "greeter"} if system in OF_A_PROJECT_IN_THE_URL else {})

    assert found.unusable == ()
    assert sorted(found.alarms, key=str) == sorted((Alarm("greeter", *one) for one in READ[system]), key=str)
    for one in found.alarms:
        given_on = alarms.parse({**vars(one), "source": "x"})
        assert given_on.status in alarms.FIRING | alarms.RESOLVED


def test_a_nagios_command_sends_a_form():
    sent = b"project=greeter&host=web1&check=Disk%20%2F%20%3E%2090%25&status=PROBLEM"

    assert read(body.fields(sent, body.FORM)).alarms == (Alarm("greeter", "web1", "Disk / > 90%", "problem"),)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"title": "[Recovered on {host:web1}] Latency is > 300 ms"}, "recovered"),
        ({"title": "[Warn on {host:web1}] Latency is > 300 ms"}, "warn"),
        ({"title": "[Triggered] Latency is > 300 ms", "alert_transition": "Recovered"}, "recovered"),
        ({"title": "[No Data on {host:web1}] Latency is > 300 ms"}, "no_data"),
    ],
)
def test_the_title_of_datadog_tells_the_status(sent, status):
    (found,) = read({**BODIES["datadog"], **sent}, url={"project": "greeter", "host": "web1"}).alarms

    assert (found.status, found.check) == (status, LATENCY)


@pytest.mark.parametrize(("state", "status"), [("CREATED", "created"), ("CLOSED", "closed")])
def test_new_relic_says_closed_of_an_issue_that_is_over(state, status):
    found = read({**BODIES["new_relic"], "state": state}, url={"project": "greeter", "host": ""}).alarms

    assert found == (Alarm("greeter", "", "Error percentage (high)", status),), (
        "an application is not a valid host"
    )


@pytest.mark.parametrize(
    ("spelled", "host"),
    [
        ("web1:9100", "web1"),
        ("http://web1:9100/metrics", "web1"),
        ("https://user@web1.example.com/", "web1.example.com"),
        ("[2001:db8::1]:9100", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("192.0.2.1:80", "192.0.2.1"),
        (7, "7"),
    ],
)
def test_a_host_is_named_without_its_port(spelled, host):
    (found,) = read({"project": "greeter", "status": "firing", "instance": spelled}).alarms

    assert found.host == host


def test_labels_name_what_the_configuration_says():
    names = Names(project=("team", "app"), host=("vm",), check=("rule", "disk"))
    labels = {"app": "greeter", "vm": "web1", "rule": "full", "disk": "sda", "host": "other"}
    (found,) = read({"alerts": [{"status": "firing", "labels": labels}]}, names).alarms

    assert found == Alarm("greeter", "web1", "full sda", "firing")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"project": None}, "the project is missing: the alarm has no project or service or app or job"),
        ({"project": "My Application"}, "the project cannot be used: My Application"),
        ({"project": ["greeter"]}, "the project is not text"),
        ({"host": {"name": "web1"}}, "the host is not text"),
        ({"host": "{{ x }}"}, "the host cannot be used: (( x ))"),
        ({"host": "web1:http"}, "the host cannot be used: web1:http"),
        ({"host": "http://[/"}, "the host cannot be used: http://[/"),
        ({"check": ["a"]}, "the check is not text"),
        ({"check": "\u202e"}, "the check has no letter"),
        ({"status": ""}, "the status is missing"),
        ({"status": True}, "the status is not text"),
        ({"status": "<% x %>"}, "the status cannot be used: \u2039% x %>"),
    ],
)
def test_an_alarm_that_cannot_be_used_says_which_field_and_why(changes, reason):
    found = read({**BODIES["own"], **changes})

    assert (found.alarms, found.unusable) == ((), (reason,))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({}, "the project is missing"),
        ([], "the body is not an object"),
        ("x", "the body is not an object"),
        ({"alerts": []}, "the body names no alarm"),
        ({"alerts": [7]}, "the project is missing"),
        ({"heartbeat": None, "monitor": None, "msg": "Test"}, "the project is missing"),
        ({"Type": "Notification", "TopicArn": "x", "Message": "no JSON"}, "the project is missing"),
        ({"alerts": [], "truncatedAlerts": 3}, "3 more alarms were left out"),
    ],
)
def test_a_body_without_an_alarm_gives_a_reason(sent, reason):
    found = read(sent)

    assert found.alarms == ()
    assert found.unusable[0].startswith(reason)


def alert(number: int, status: str = "firing", **labels: str) -> dict:
    return {"status": status, "labels": {"job": "greeter", "instance": f"web{number}:9100", **labels}}


def test_a_body_of_fifty_alerts_is_fifty_alarms_each_once():
    found = read(
        {"alerts": [alert(n % 50, alertname="slow") for n in range(100)] + [alert(1, job="a b")] * 2}
    )

    assert len(found.alarms) == len(set(found.alarms)) == 50
    assert found.unusable == ("the project cannot be used: a b",)


def test_an_alarm_that_is_over_in_part_still_fires():
    alerts = [
        alert(1, "firing", alertname="slow", path="/a"),
        alert(1, "resolved", alertname="slow", path="/b"),
    ]

    for ordered in (alerts, alerts[::-1]):
        assert [one.status for one in read({"alerts": ordered}).alarms] == ["firing"]


def test_of_a_flood_some_are_taken_and_the_others_counted():
    found = read({"alerts": [alert(n) for n in range(AT_ONCE + 5)]})

    assert len(found.alarms) == AT_ONCE
    assert found.unusable == ("5 more alarms were left out: there are too many at once",)


KEYS = sorted(
    {key for sent in BODIES.values() for key in sent} | {"labels", "name", "value", "title", "host"}
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["greeter", "firing"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=25,
)


def bent(sent: dict) -> st.SearchStrategy[dict]:
    """Return *sent* with some of its values replaced by others."""
    return st.dictionaries(st.sampled_from(sorted(sent)), JSON, max_size=3).map(
        lambda changes: {**sent, **changes}
    )


@given(JSON | st.sampled_from(sorted(BODIES)).flatmap(lambda name: bent(BODIES[name])), st.booleans())
def test_whatever_comes_is_an_alarm_of_known_form_or_a_reason(sent, is_named):
    found = read(sent, url={"project": "greeter"} if is_named else {})

    assert found.alarms or found.unusable
    for one in found.alarms:
        assert PROJECT.fullmatch(one.project)
        assert alarms.parse({**vars(one), "source": "x"}), "the pack takes what the gateway passes on"
    assert all(reason and not re.search(f"[{UNSAFE}]", reason) for reason in found.unusable)


@given(st.lists(st.sampled_from([alert(1), alert(2), {}, None, {"status": "firing", "labels": {"job": ""}}])))
def test_every_alert_of_a_body_is_among_the_alarms_or_the_reasons(alerts):
    found = read({"alerts": alerts})

    usable = {one["labels"]["instance"] for one in alerts if one and one["labels"].get("instance")}
    assert len(found.alarms) == len(usable)
    assert bool(found.unusable) == (len(usable) == 0 or any(a not in (alert(1), alert(2)) for a in alerts))


@given(st.text(), st.integers(20, 300))
@example("0\x85\x1b", 20)
def test_text_is_made_harmless_once_and_stays_within_its_limit(text, limit):
    made = harmless(text, limit)

    assert len(made) <= limit
    assert not re.search(f"[{UNSAFE}]", made)
    assert harmless(made, limit) == made
    assert not made or limit > 200 or identifiers.check("check", made) == made


def test_the_gateway_and_the_pack_agree_on_what_passes():
    assert UNSAFE == identifiers.UNSAFE
    assert PROJECT.pattern == identifiers.PATTERNS["project"]
    assert HOST.pattern == identifiers.PATTERNS["host"]
    assert len({form.__name__ for form in FORMS}) == len(FORMS)
