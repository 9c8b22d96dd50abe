"""The alert rules fire when they should and at no other time, as Prometheus' own tool says."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "infra" / "prometheus" / "cicd-alerts.yaml"
RING = '{project="greeter",ring="canary"%s}'
FIRING = {
    "CicdRingStopped": {"cicd_ring_state" + RING % ',state="stopped"': "1x60"},
    "CicdRingMovesForLong": {"cicd_ring_state" + RING % ',state="deploying"': "1x60"},
    "CicdHostsBad": {"cicd_ring_hosts" + RING % ',health="bad"': "2x60"},
    "CicdCanaryBad": {"cicd_ring_verdict" + RING % ',outcome="bad"': "1x60"},
    "CicdDeploysFail": {"cicd_deployments_total" + RING % ',outcome="failed"': "0x10 1x10 2x39"},
    "CicdCommitsWait": {'cicd_commits_in_ci_oldest_timestamp_seconds{project="greeter"}': "-3600x60"},
    "CicdStatusOld": {"cicd_status_current": "0x60"},
    "CicdEventsWait": {"cicd_gateway_oldest_waiting_seconds": "301x60"},
}
QUIET = {
    "CicdRingStopped": {"cicd_ring_state" + RING % ',state="healthy"': "1x60"},
    "CicdHostsBad": {
        "cicd_ring_hosts" + RING % ',health="bad"': "2x60",
        "cicd_ring_state" + RING % ',state="deploying"': "1x60",
    },
    "CicdCanaryBad": {"cicd_ring_verdict" + RING % ',outcome="inconclusive"': "1x60"},
    "CicdDeploysFail": {
        "cicd_deployments_total" + RING % ',outcome="failed"': "0x10 1x49",
        "cicd_deployments_total" + RING % ',outcome="good"': "0+1x60",
    },
    "CicdStatusOld": {"cicd_status_current": "1x60"},
    "CicdEventsWait": {"cicd_gateway_oldest_waiting_seconds": "5x60"},
}


def fired(folder: Path, alert: str, series: dict[str, str]) -> bool:
    """Return whether *alert* fires after 50 minutes of *series*, as `promtool test rules` says."""
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": "50m", "alertname": alert, "exp_alerts": []}],
    }
    file = folder / "rules-test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or f"alertname: {alert}" in said, said
    return done.returncode != 0


@pytest.mark.parametrize("alert", FIRING)
def test_a_rule_fires(tmp_path, alert):
    assert fired(tmp_path, alert, FIRING[alert])


@pytest.mark.parametrize("alert", QUIET)
def test_a_rule_is_quiet(tmp_path, alert):
    assert not fired(tmp_path, alert, QUIET[alert])


def test_every_rule_is_tried_and_says_what_to_do():
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]

    assert [rule["alert"] for rule in rules] == list(FIRING)
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)


def test_every_metric_of_the_rules_is_one_of_the_programs():
    used = set(re.findall(r"cicd_[a-z_]+", json.dumps(yaml.safe_load(RULES.read_text())))) - {"cicd_gateway"}
    sources = (ROOT / "status" / "metrics.py").read_text(), (ROOT / "gateway" / "metrics.py").read_text()

    for name in used:
        assert re.sub("^cicd_(gateway_)?", "", name) in "".join(sources), name
