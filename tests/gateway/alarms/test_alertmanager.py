"""A real Alertmanager, set as the shipped receiver says: the gateway hears what fires and what ends."""

import datetime
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from tests.conformance.local import free_ports
from tests.gateway.gateways import Local
from tests.gateway.wire import TOKEN, StackStorm, eventually

RECEIVER = Path(__file__).parents[3] / "infra/alertmanager/receiver.yml"


def configured(folder: Path, url: str) -> Path:
    """Write the configuration with the shipped receiver, for the gateway at *url*, and return its path."""
    (folder / "token").write_text(TOKEN)
    settings = yaml.safe_load(RECEIVER.read_text())
    (webhook,) = settings["receivers"][0]["webhook_configs"]
    webhook["url"] = webhook["url"].replace("https://gateway.example.com", url)
    webhook["http_config"]["authorization"]["credentials_file"] = str(folder / "token")
    group = {"group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump({**settings, "route": {"receiver": "cicd", **group}}))
    return path


@pytest.fixture
def alertmanager(gateway: Local, tmp_path: Path) -> Iterator[str]:
    """The URL of an Alertmanager that sends to the gateway."""
    (port,) = free_ports(1)
    command = ["prometheus-alertmanager", f"--config.file={configured(tmp_path, gateway.url)}"]
    command += [f"--storage.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*command, "--cluster.listen-address="], stdout=log, stderr=log)
    try:
        eventually(lambda: is_ready(f"http://127.0.0.1:{port}"), 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=5).ok
    except requests.RequestException:
        return False


def tell(alertmanager: str, *hosts: str, **changes: str) -> None:
    """Tell Alertmanager, as Prometheus does, that a check fires on *hosts*."""
    labels = {"alertname": "HTTP 5xx > 1 %, über 5 min", "job": "greeter"}
    alerts = [{"labels": {**labels, "instance": f"{host}:9100"}, **changes} for host in hosts]
    requests.post(f"{alertmanager}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()


def test_alerts_of_a_real_alertmanager_come_when_they_fire_and_when_they_end(
    gateway: Local, stackstorm: StackStorm, alertmanager: str
):
    def got() -> set[tuple[str, str]]:
        return {(body["host"], body["status"]) for _, _, body in stackstorm.got}

    tell(alertmanager, "web1", "web2")
    eventually(lambda: {("web1", "firing"), ("web2", "firing")} <= got(), 60)
    ended = datetime.datetime.now(datetime.UTC).isoformat()
    tell(alertmanager, "web1", startsAt="2026-01-01T00:00:00Z", endsAt=ended)
    eventually(lambda: ("web1", "resolved") in got(), 60)

    for path, _, body in stackstorm.got:
        assert path == "/v1/webhooks/cicd/alarm"
        assert (body["project"], body["source"]) == ("greeter", "prometheus")
        assert body["check"] == "HTTP 5xx > 1 %, über 5 min"
