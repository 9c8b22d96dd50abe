"""What is answered to whom, and what is recorded."""

import json
import sqlite3
from contextlib import closing

import pytest
import requests

from tests.gateway.gateways import states
from tests.gateway.wire import COMMIT, call_back, callback, deliver, eventually, push


def test_a_ping_is_answered_and_goes_no_further(gateway, stackstorm):
    assert deliver(gateway, b"{}", kind="ping").status_code == 200
    assert not stackstorm.calls


@pytest.mark.parametrize("kind", ["issues", "pull_request", "workflow_run", "PUSH", "", "<% x %>"])
def test_other_events_are_ignored_and_recorded(gateway, stackstorm, kind):
    answer = deliver(gateway, push(), kind=kind)

    assert (answer.status_code, answer.json()["decision"]) == (202, "ignored")
    assert states(gateway.folder) == [("ignored", "it is not a push")]
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
    assert call_back(gateway, body, path="alarm/prometheus").json()["decision"] == "accepted"
    assert call_back(gateway, b"{}", path="alarm/prometheus").json()["decision"] == "ignored"
    eventually(lambda: stackstorm.got)

    path, headers, body = stackstorm.got[0]
    assert path == "/v1/webhooks/cicd/alarm"
    assert "St2-Trace-Tag" not in headers
    assert body == {**told, "source": "prometheus"}


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
