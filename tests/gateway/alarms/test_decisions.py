"""What each monitoring system sends about a canary takes the canary back, and its end ends it."""

from dataclasses import replace

import pytest

from cicd.alarms import alarm as alarms
from cicd.alarms.host_name import named
from gateway import reduce
from tests.gateway.alarms.test_reading import BODIES, OF_A_PROJECT_IN_THE_URL
from tests.lib.alarms.test_alarm import NOW, RINGS, known

HOSTS = {"web1": "192.0.2.1", "web2": "192.0.2.2", "i-bc8dcaa5": "192.0.2.3"}
OVER = {
    "alertmanager": {"alerts": [{**BODIES["alertmanager"]["alerts"][0], "status": "resolved"}]},
    "grafana": {"alerts": [{**BODIES["grafana"]["alerts"][0], "status": "resolved"}]},
    "new_relic": {"state": "CLOSED"},
    "datadog": {"title": "[P1] [Recovered on {host:web1,project:greeter}] Latency is > 300 ms"},
    "datadog_variables": {
        "ALERT_TRANSITION": "Recovered",
        "ALERT_TITLE": "[Recovered on {host:web1}] Latency is > 300 ms",
    },
    "cloudwatch": {"Message": BODIES["cloudwatch"]["Message"].replace('"ALARM"', '"OK"')},
    "pagerduty": {"event": {**BODIES["pagerduty"]["event"], "event_type": "incident.resolved"}},
    "uptime_kuma": {"heartbeat": {**BODIES["uptime_kuma"]["heartbeat"], "status": 1}},
    "own": {"status": "resolved"},
}


def sent_on(system: str, changes: dict) -> list[alarms.Alarm]:
    """Return the alarms that the pack gets when *system* sends its body with *changes*."""
    url = {"project": "greeter"} if system in OF_A_PROJECT_IN_THE_URL else {}
    events = reduce.alarms({**BODIES[system], **changes}, system.replace("_", "-"), url=url)
    assert not any(event.unusable for event in events)
    given = [alarms.parse(event.body) for event in events]
    return [replace(one, host=named(one.host, HOSTS)) for one in given]


@pytest.mark.parametrize("system", sorted(BODIES))
def test_an_alarm_of_any_system_takes_the_canary_back_once_until_it_is_over(system):
    found, memory = known(rings={**RINGS, "i-bc8dcaa5": "canary"}), {}
    decided = []
    for one in [*sent_on(system, {}), *sent_on(system, {})]:
        memory, decision, _ = alarms.judge(memory, one, found, NOW)
        decided.append((decision.what, decision.ring))
    assert decided.count(("roll back", "canary")) + decided.count(("roll back", "production")) >= 1
    assert len(set(decided)) > 1, "sent again, it does nothing more"

    for one in sent_on(system, OVER[system]):
        memory, decision, _ = alarms.judge(memory, one, found, NOW)
        assert decision.reason in ("it is over", "it is over, and was not known to fire")
    assert memory["firing"] == {}
