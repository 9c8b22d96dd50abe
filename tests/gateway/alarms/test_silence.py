"""Real monitoring systems are silent about the absence of hosts that are updated, and about nothing else."""

from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.clients.muting import muted
from cicd.config import Settings
from cicd.errors import ConfigError
from cicd.release.host import Host
from cicd.setup import monitoring_checks
from tests.gateway.alarms.icinga import PASSWORD, SERVICE, Icinga, icinga
from tests.gateway.alarms.test_alertmanager import alertmanager as alertmanager  # the fixture
from tests.gateway.gateways import Local
from tests.gateway.wire import StackStorm, eventually
from tests.lib.consul_settings import settings

HOSTS = [Host("web1", "10.0.0.1"), Host("web2", "10.0.0.2")]
AWAY = "http://127.0.0.1:1"


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
    known = settings(AWAY, monitoring={"alertmanager": alertmanager})

    with muted(known, "greeter", HOSTS, 60) as trouble:
        assert trouble == ""
        eventually(lambda: silenced(alertmanager) == set(names[:2]), 10)
        (silence,) = requests.get(f"{alertmanager}/api/v2/silences", timeout=10).json()
        assert silence["comment"] == "cicd updates greeter on web1, web2"
    eventually(lambda: not silenced(alertmanager), 10)


def with_icinga(url: str, folder: Path, user: str = "cicd", **more: Any) -> Settings:
    (folder / "password").write_text(f"{PASSWORD}\n")
    login = {"icinga": url, "icinga_user": user, "icinga_password_file": str(folder / "password")}
    return settings(AWAY, monitoring={**login, **more})


def reasons(known: Settings, hosts: list[Host]) -> str:
    with muted(known, "greeter", hosts, 60) as trouble:
        return trouble


def test_icinga_has_hosts_in_a_downtime_until_they_are_updated_but_not_their_services(
    gateway: Local, stackstorm: StackStorm, tmp_path: Path
):
    with icinga(tmp_path / "icinga", gateway.url) as running:
        known = with_icinga(running.url, tmp_path, icinga_ca_file=str(running.authority))
        with muted(known, "greeter", HOSTS, 60) as trouble:
            assert trouble == ""
            assert running.resting == {"web1", "web2.example.com"}
            running.check("web1", 2, SERVICE)
            eventually(lambda: stackstorm.got, 30)
            running.check("web1", 1)
            running.check("web12", 1)
            eventually(lambda: len(stackstorm.got) == 2, 30)
            got = [(body["host"], body["check"]) for _, _, body in stackstorm.got]
            assert got == [("web1", SERVICE), ("web12", "host")]
            running.check("web1", 0)
        assert running.resting == set()

        refusals(running, tmp_path)


def refusals(running: Icinga, folder: Path) -> None:
    """An Icinga that cannot take a downtime says why, to the deploy and to a checkup, and stops nothing."""
    trusted = {"icinga_ca_file": str(running.authority)}
    for user, more, hosts, why in (
        ("cicd", trusted, [Host("db1", "10.9.9.9")], "it knows none of the hosts"),
        ("idle", trusted, HOSTS, "it answers with status 404"),
        ("nobody", trusted, HOSTS, "it answers with status 401"),
        ("cicd", {}, HOSTS, "SSLError"),
        ("cicd", {"icinga_ca_file": "/"}, HOSTS, "The secret file / cannot be read: Is a directory"),
    ):
        known = with_icinga(running.url, folder, user, **more)
        assert reasons(known, hosts) == f"Icinga could not be notified ({why})"
    said = [
        finding.said
        for user in ("cicd", "checks", "idle", "nobody")
        for finding in monitoring_checks.findings(with_icinga(running.url, folder, user, **trusted))
    ]
    assert said[:2] == ["takes downtimes"] * 2
    assert said[2] == "does not let idle do actions/schedule-downtime and actions/remove-downtime"
    assert said[3] == "cannot be asked: it answers with status 401"


def test_monitoring_that_is_away_stops_nothing_and_without_any_nobody_is_asked(tmp_path: Path):
    away = with_icinga("https://127.0.0.1:1", tmp_path, alertmanager=AWAY)

    assert reasons(away, HOSTS) == (
        "Alertmanager could not be notified (ConnectionError); Icinga could not be notified (ConnectionError)"
    )
    assert reasons(away, []) == ""
    assert reasons(settings(AWAY), HOSTS) == ""


@pytest.mark.parametrize("key", ["icinga_user", "icinga_password_file"])
def test_an_icinga_without_a_login_is_refused(tmp_path: Path, key: str):
    with pytest.raises(ConfigError, match=rf"`monitoring.{key}` is missing"):
        with_icinga("https://icinga:5665", tmp_path, **{key: ""})
