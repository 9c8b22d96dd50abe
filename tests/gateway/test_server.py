"""What is answered to whom, and what is recorded."""

import json
import sqlite3
from base64 import b64encode
from contextlib import closing

import pytest
import requests

from tests.gateway.gateways import states
from tests.gateway.wire import COMMIT, TOKEN, call_back, callback, deliver, eventually, push


def test_a_ping_is_answered_and_goes_no_further(gateway, stackstorm):
    assert deliver(gateway, b"{}", kind="ping").status_code == 200
    assert not stackstorm.calls


@pytest.mark.parametrize("kind", ["issues", "pull_request", "workflow_job", "PUSH", "", "<% x %>"])
def test_other_events_are_ignored_and_recorded(gateway, stackstorm, kind):
    answer = deliver(gateway, push(), kind=kind)

    assert (answer.status_code, answer.json()["decision"]) == (202, "ignored")
    assert states(gateway.folder) == [("ignored", "it is neither a push nor a run of a workflow")]
    assert gateway.audit[0]["repository"] == "acme/greeter"
    assert not stackstorm.calls


@pytest.mark.parametrize(
    "hostile",
    [
        {"ref": "refs/heads/a;touch${IFS}/tmp/x"},
        {"ref": "refs/heads/{{x}}"},
        {"ref": "refs/heads/main\n"},
        {"ref": "refs/heads/" + "a" * 100_000},
        {"ref": ["refs/heads/main"]},
        {"after": "<% ctx() %>"},
        {"after": COMMIT.upper()},
        {"repository": {"full_name": "../.."}},
        {"repository": "acme/greeter"},
    ],
)
def test_a_hostile_push_is_acknowledged_and_recorded_but_goes_no_further(gateway, stackstorm, hostile):
    answer = deliver(gateway, push(**hostile))

    assert (answer.status_code, answer.json()["decision"]) == (202, "ignored")
    assert [state for state, _ in states(gateway.folder)] == ["ignored"]
    assert not stackstorm.calls


def test_what_cannot_be_stored_is_not_acknowledged(gateway, stackstorm):
    with closing(sqlite3.connect(gateway.folder / "spool.sqlite")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        assert deliver(gateway, push()).status_code == 503
        database.execute("DROP TRIGGER full")

    assert deliver(gateway, push()).json()["decision"] == "accepted"
    assert [line["decision"] for line in gateway.audit] == ["failed", "accepted"]


def test_an_alarm_names_its_source_and_its_project(gateway, stackstorm):
    told = {"project": "greeter", "check": "errors over 1 percent", "status": "firing"}
    body = json.dumps({**told, "text": "{{ x }}"}).encode()
    assert decisions(call_back(gateway, body, path="alarm/prometheus")) == ["accepted"]
    eventually(lambda: stackstorm.got)

    path, headers, body = stackstorm.got[0]
    assert path == "/v1/webhooks/cicd/alarm"
    assert "St2-Trace-Tag" not in headers
    assert body == {**told, "source": "prometheus"}


def decisions(answer: requests.Response) -> list[str]:
    assert answer.status_code == 202
    return [one["decision"] for one in answer.json()["alarms"]]


def test_every_alert_of_a_body_goes_on_and_why_one_cannot_be_used_does_too(gateway, stackstorm):
    alerts = [{"status": "firing", "labels": {"job": "greeter", "instance": f"web{n}"}} for n in range(50)]
    odd = {"status": "firing", "labels": {"job": "greeter", "instance": "{{ x }}"}}
    sent = json.dumps({"version": "4", "alerts": [*alerts, odd]}).encode()
    answer = call_back(gateway, sent, path="alarm/prometheus")
    eventually(lambda: len(stackstorm.got) == 51)

    reason = "the host cannot be used: (( x ))"
    assert decisions(answer) == [*50 * ["accepted"], "unusable"]
    assert answer.json()["alarms"][-1]["reason"] == gateway.audit[-1]["reason"] == reason
    alarms = [body for path, _, body in stackstorm.got if path == "/v1/webhooks/cicd/alarm"]
    assert [one["host"] for one in alarms] == [f"web{n}" for n in range(50)]
    others = [(path, body) for path, _, body in stackstorm.got if body not in alarms]
    assert others == [("/v1/webhooks/cicd/unusable_alarm", {"source": "prometheus", "reason": reason})]
    with closing(sqlite3.connect(gateway.folder / "spool.sqlite")) as database:
        (kept,) = database.execute("SELECT count(*) FROM event WHERE length(raw) > 0").fetchone()
    assert kept == 1, "what was sent is kept once"


def test_alarms_that_cannot_be_stored_are_not_acknowledged_and_none_goes_on(gateway, stackstorm):
    sent = json.dumps({"alerts": [{"status": "firing", "labels": {"job": "greeter"}}, {}]}).encode()
    with closing(sqlite3.connect(gateway.folder / "spool.sqlite")) as database:
        trigger = (
            "BEFORE INSERT ON event WHEN new.source = 'unusable_alarm' BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        database.execute(f"CREATE TRIGGER full {trigger}")
        assert call_back(gateway, sent, path="alarm/prometheus").status_code == 503
        database.execute("DROP TRIGGER full")

    assert not stackstorm.calls
    assert states(gateway.folder) == []


@pytest.mark.parametrize("sent", [b"", b"no JSON", b"{}", b"[1]", b'"x"'])
def test_a_body_that_holds_no_alarm_goes_on_as_the_reason(gateway, stackstorm, sent):
    assert decisions(call_back(gateway, sent, path="alarm/x")) == ["unusable"]
    eventually(lambda: stackstorm.got)

    assert stackstorm.got[0][2]["reason"] == gateway.audit[0]["reason"] != ""


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"X-Cicd-Token": TOKEN}, ""),
        ({"Authorization": f"Bearer {TOKEN}"}, ""),
        ({"Authorization": "Basic " + b64encode(f"alertmanager:{TOKEN}".encode()).decode()}, ""),
        ({}, f"?token={TOKEN}"),
    ],
)
def test_a_system_shows_the_token_in_the_way_that_it_can(gateway, stackstorm, headers, query):
    form = {"check": "Disk > 90 %", "status": "PROBLEM"}
    url = f"{gateway.url}/alarm/nagios{query}{'&' if query else '?'}project=greeter"
    answer = requests.post(url, data=form, headers=headers, timeout=10)
    eventually(lambda: stackstorm.got)

    assert decisions(answer) == ["accepted"]
    wanted = {"project": "greeter", "check": "Disk > 90 %", "status": "problem", "source": "nagios"}
    assert stackstorm.got[0][2] == wanted


@pytest.mark.parametrize(
    "header",
    ["", "Bearer wrong", "Basic", "Basic x", "Basic " + b64encode(b"\xff").decode(), f"Digest {TOKEN}"],
)
def test_who_shows_no_token_is_refused(gateway, header):
    answer = requests.post(f"{gateway.url}/alarm/x", json={}, headers={"Authorization": header}, timeout=10)

    assert (answer.status_code, gateway.audit[0]["reason"]) == (401, "the token does not fit")


def test_metrics_and_health_tell_what_was_decided_and_what_waits(gateway):
    deliver(gateway, push())
    call_back(gateway, callback(), "wrong")

    text = requests.get(f"{gateway.url}/metrics", timeout=10).text
    assert 'cicd_gateway_decisions_total{source="github",decision="accepted"} 1\n' in text
    assert 'cicd_gateway_decisions_total{source="jenkins",decision="refused"} 1\n' in text
    assert 'cicd_gateway_events{state="waiting"} 1\n' in text
    assert requests.get(f"{gateway.url}/healthz", timeout=10).json() == {"status": "ok", "waiting": 1}


@pytest.mark.parametrize("path", ["", "nothing", "alarm/", "alarm/A%2F.."])
def test_nothing_else_is_served(gateway, path):
    assert requests.post(f"{gateway.url}/{path}", timeout=10).status_code == 404
