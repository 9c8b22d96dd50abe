"""What Prometheus reads of the page."""

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from status.metrics import exposition
from status.tally import Tally
from status.view import ProjectView
from tests.status.test_pages import view


def shown(version: str = "1.0-1.0000001") -> ProjectView:
    known = view(version)
    for ring in known["rings"]:
        ring.update(since="2026-11-28T10:00:00Z", state="healthy", good=3, sick=1)
        ring["bake"] = {"done": 40, "needed": 600}
    return {**known, "holds": ["freeze"], "waiting": 2, "waiting_since": "2026-11-28T09:00:00Z"}


def test_rings_hosts_holds_and_waiting_commits_are_figures():
    lines = exposition([shown()], {}, "").splitlines()

    at = 'project="greeter",ring="canary"'
    assert f'cicd_ring_state{{{at},state="healthy"}} 1' in lines
    assert f'cicd_ring_version{{{at},version="1.0-1.0000001"}} 1' in lines
    assert f'cicd_ring_hosts{{{at},health="good"}} 3' in lines
    assert f"cicd_ring_bake_needed_seconds{{{at}}} 600" in lines
    assert 'cicd_project_held{project="greeter",kind="freeze"} 1' in lines
    assert 'cicd_project_held{project="greeter",kind="lock"} 0' in lines
    assert 'cicd_commits_in_ci{project="greeter"} 2' in lines
    assert "cicd_status_current 1" in lines


def tally() -> Tally:
    counted = Tally(0.0)
    for generation, what in enumerate(("advertise_canary", "confirm", "advertise_canary", "restore"), 1):
        change = {"generation": generation, "what": what, "when": 40.0 * generation, "ring": "canary"}
        counted.add(change, committed=1.0)
    return counted


def test_what_the_history_counts_up_to_is_a_counter_that_begins_at_zero():
    lines = exposition([shown()], {"greeter": tally()}, "").splitlines()

    canary, production = (f'project="greeter",ring="{name}"' for name in ("canary", "production"))
    assert f'cicd_deployments_total{{{canary},outcome="good"}} 1' in lines
    assert f'cicd_deployments_total{{{canary},outcome="failed"}} 1' in lines
    assert f'cicd_deployments_total{{{production},outcome="failed"}} 0' in lines
    assert f"cicd_rollbacks_total{{{canary}}} 0" in lines
    assert f'cicd_deployment_seconds_bucket{{{canary},le="30"}} 0' in lines
    assert f'cicd_deployment_seconds_bucket{{{canary},le="60"}} 1' in lines
    assert f'cicd_lead_time_seconds_bucket{{{canary},le="+Inf"}} 1' in lines
    assert f"cicd_lead_time_seconds_sum{{{canary}}} 79" in lines
    assert "# TYPE cicd_lead_time_seconds histogram" in lines


def test_what_may_be_old_is_said():
    assert "cicd_status_current 0" in exposition([], {}, "Consul does not answer").splitlines()


def test_prometheus_own_tool_finds_nothing_wrong():
    views = [shown(), {**shown(), "name": "other"}]
    text = exposition(views, {"greeter": tally(), "other": Tally(0.0)}, "")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@given(st.text(min_size=1))
def test_no_text_ends_its_label_or_its_line(text):
    assert exposition([shown(text)], {}, "").count("\n") == exposition([shown("x")], {}, "").count("\n")
