"""A real Alertmanager is silent about the absence of hosts while they are updated, and about nothing else."""

from typing import Any

import requests

from cicd.clients import alertmanager as client
from cicd.release.host import Host
from tests.gateway.alarms.test_alertmanager import alertmanager as alertmanager  # the fixture
from tests.gateway.wire import eventually
from tests.lib.consul_settings import settings

HOSTS = [Host("web1", "10.0.0.1"), Host("web2", "10.0.0.2")]


def silenced(url: str) -> set[tuple[str, str]]:
    """Return which alerts are silenced, by name and instance."""
    found: list[dict[str, Any]] = requests.get(f"{url}/api/v2/alerts", timeout=10).json()
    return {
        (one["labels"]["alertname"], one["labels"]["instance"])
        for one in found
        if one["status"]["silencedBy"]
    }


def test_the_absence_of_hosts_is_silenced_until_they_are_updated(alertmanager):
    names = [("InstanceDown", "web1:9100"), ("TargetDown", "10.0.0.2:80"), ("InstanceDown", "web12:9100")]
    names += [("Errors", "web1:9100"), ("InstanceDown", "10.0.0.15")]
    alerts = [{"labels": {"alertname": name, "instance": instance}} for name, instance in names]
    requests.post(f"{alertmanager}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()
    known = settings("http://127.0.0.1:1", monitoring={"alertmanager": alertmanager})

    with client.silenced(known, "greeter", HOSTS, 60) as trouble:
        assert trouble == ""
        eventually(lambda: silenced(alertmanager) == set(names[:2]), 10)
        (silence,) = requests.get(f"{alertmanager}/api/v2/silences", timeout=10).json()
        assert silence["comment"] == "cicd updates greeter on web1, web2"
    eventually(lambda: not silenced(alertmanager), 10)


def test_an_alertmanager_that_is_away_stops_nothing_and_without_one_nobody_is_asked():
    away = settings("http://127.0.0.1:1", monitoring={"alertmanager": "http://127.0.0.1:1"})

    with client.silenced(away, "greeter", HOSTS, 60) as trouble:
        assert trouble == "Alertmanager could not be told (ConnectionError)"
    with client.silenced(settings("http://127.0.0.1:1"), "greeter", HOSTS, 60) as trouble:
        assert trouble == ""
