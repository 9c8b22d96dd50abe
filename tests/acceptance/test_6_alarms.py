"""A monitoring system raises alarms: soon after a deploy the ring goes back, once, and never otherwise."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from demo.stories import PROJECT
from demo.world import wait_for
from tests.acceptance.test_3_operations import notices
from tests.acceptance.test_4_events import change, events, settle, webhook

pytestmark = pytest.mark.long


def alarm(world, check: str, status: str = "firing", host: str = "") -> int:
    """Post an alarm about *host*, or the first canary host, to the gateway as Alertmanager does."""
    instance = f"{host or world.hosts('canary')[0]['name']}:9100"
    return post(world, status, {"job": PROJECT, "instance": instance, "alertname": check})


def post(world, status: str, labels: dict[str, str]) -> int:
    """Post an alert with *labels* to the gateway, and return what is answered."""
    token = (Path(world.description["root"]) / "secrets" / "jenkins_token").read_text().strip()
    url = f"{world.description['gateway']['url']}/alarm/prometheus"
    headers = {"Authorization": f"Bearer {token}"}
    alert = {"status": status, "labels": labels, "annotations": {"text": "{{ 7 * 7 }}"}}
    body = {"version": "4", "status": status, "alerts": [alert]}
    return requests.post(url, json=body, headers=headers, timeout=30).status_code


def judged(stackstorm, known: int) -> list[dict]:
    """Return the results of the alarms that were judged after the first *known*, newest first, all ended."""
    settle(stackstorm)
    newest = stackstorm.client.executions.query(action="cicd.alarm_raised", limit=100)
    return [stackstorm.get(one.id)["result"]["output"] for one in newest[: len(newest) - known]]


def count(stackstorm) -> int:
    return len(stackstorm.client.executions.query(action="cicd.alarm_raised", limit=100))


def canary(world) -> str:
    return str(world.key(f"{PROJECT}::canary_version"))


def history(stackstorm) -> list[dict]:
    return stackstorm.run("cicd.list_history", project=PROJECT, last=100)["result"]["result"]["history"]


@pytest.fixture(scope="module")
def deployed(world, teller) -> list[str]:
    """Two versions that came to the canary one after the other, each of them good."""
    versions = []
    for version in ("10.0.0", "10.1.0"):
        trace = teller.push(f"Bring {version}", change(version))
        assert teller.follow(trace, "cicd.ci_success")["status"] == "succeeded"
        versions.append(canary(world))
    return versions


def sent(world, stackstorm, times: int, **told: str) -> list[dict]:
    """Send one alarm several times at once, and return what became of each."""
    before = count(stackstorm)
    with ThreadPoolExecutor(times) as pool:
        assert set(pool.map(lambda _: alarm(world, **told), range(times))) == {202}
    wait_for("the alarms", lambda: count(stackstorm) >= before + times, 120)
    return judged(stackstorm, before)


def test_an_alarm_on_a_canary_host_sent_ten_times_takes_the_canary_back_once(world, stackstorm, deployed):
    production = world.key(f"{PROJECT}::version")
    known = len(history(stackstorm))
    outcomes = sent(world, stackstorm, 10, check="HTTP 5xx")

    (acted,) = (outcome for outcome in outcomes if outcome["decision"] == "roll back")
    assert {outcome["decision"] for outcome in outcomes if outcome is not acted} == {"ignore"}
    assert acted["version"] == deployed[0] == canary(world)
    assert f"canary is rolled back from {deployed[1]} to {deployed[0]}" in acted["message"]
    assert world.key(f"{PROJECT}::version") == production
    for host in world.hosts("canary"):
        assert world.installed(host, PROJECT) == f"install ok installed|{deployed[0]}"
    newest = history(stackstorm)
    made = [entry for entry in newest[: len(newest) - known] if entry["what"] == "roll_back"]
    (name,) = {host["name"] for host in world.hosts("canary")[:1]}
    assert [entry["why"] for entry in made] == [f"an alarm: HTTP 5xx on {name} (prometheus)"]
    said = f"canary is rolled back from {deployed[1]} to {deployed[0]}, an alarm: HTTP 5xx on {name}"
    wait_for("the notice", lambda: [said in text for text in notices(stackstorm)].count(True) == 1, 60)


def promotion(stackstorm) -> dict:
    """Ask for a promotion until the canary has baked, and return what it is refused with."""
    while True:
        error = stackstorm.run("cicd.deploy_production", project=PROJECT)["result"]["output"]["error"]
        if "it must bake" not in error["error"]:
            return error


def test_an_alarm_that_fires_already_when_a_deploy_begins_only_stops_a_promotion(world, stackstorm, deployed):
    assert stackstorm.run("cicd.deploy", project=PROJECT, version=deployed[1])["status"] == "succeeded"
    (outcome,) = sent(world, stackstorm, 1, check="HTTP 5xx")
    refused = promotion(stackstorm)
    shown = stackstorm.run("cicd.get_release", project=PROJECT)["result"]["result"]["message"]
    (over,) = sent(world, stackstorm, 1, check="HTTP 5xx", status="resolved")

    assert outcome["decision"] == over["decision"] == "ignore"
    assert outcome["reason"] == f"it fired already before {deployed[1]} was deployed to canary"
    assert canary(world) == deployed[1]
    assert "alarm: HTTP 5xx on" in shown
    assert f"{PROJECT} {deployed[1]} is not promoted while an alarm fires: HTTP 5xx on" in refused["error"]
    assert shown.endswith(f"  next: {refused['error']} {refused['hint']}")
    assert [one["reason"] for one in events(stackstorm, 2)] == ["it is over", outcome["reason"]]


def test_an_alarm_of_no_host_of_ours_does_nothing_and_an_odd_one_is_refused(world, stackstorm, deployed):
    (outcome,) = sent(world, stackstorm, 1, check="HTTP 5xx", host="web99")
    before = count(stackstorm)
    odd = {"project": PROJECT, "status": "firing", "host": "{{ config_context.consul.url }}"}
    for body in (odd, {"status": "firing"}, {**odd, "host": "", "check": "<% ctx() %>"}):
        assert requests.post(webhook(world, "alarm"), json=body, timeout=30).status_code == 202

    assert outcome["reason"] == f"web99 is not a host of {PROJECT} in Consul"
    known = {"project": PROJECT, "status": "resolved", "check": "unheard of"}
    assert requests.post(webhook(world, "alarm"), json=known, timeout=30).status_code == 202
    wait_for("the alarm that was posted straight", lambda: count(stackstorm) > before, 60)
    (straight,) = judged(stackstorm, before)
    assert post(world, "firing", {"instance": "web1:9100", "alertname": "of nobody"}) == 202
    wait_for("a line", lambda: "the project is missing" in events(stackstorm, 1)[0]["reason"], 60)
    assert straight["reason"] == "it is over, and was not known to fire"
    assert canary(world) == deployed[1]
