"""The article's 19 steps, found again in StackStorm's execution tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

NAMES = (
    "A developer pushes a commit",
    "The webhook is verified and accepted",
    "A rule starts the CI job",
    "Jenkins clones the commit and tests it",
    "Jenkins reports success, read again",
    "The packaging workflow runs",
    "Consul names a build host",
    "The commit is cloned there",
    "Its package metadata is read",
    "The package is built",
    "The package is published",
    "The build host is cleaned",
    "Canary: the version is advertised",
    "Canary: Consul names the hosts",
    "Canary: the hosts are updated",
    "The canary bakes without alarm",
    "A user deploys to production",
    "Production: the canary's version is advertised",
    "Production: the hosts are updated",
)
# (root action, action) of each step; None stands for the root itself.
PLACES = {
    1: ("cicd.git_push", None),
    2: ("cicd.git_push", "cicd.receive_push"),
    3: ("cicd.git_push", "cicd.start_build"),
    4: ("cicd.ci_start", None),
    5: ("cicd.ci_success", "cicd.claim_build"),
    6: ("cicd.ci_success", "cicd.publish_apt_package"),
    7: ("cicd.ci_success", "cicd.find_build_host"),
    8: ("cicd.ci_success", "cicd.fetch_commit"),
    9: ("cicd.ci_success", "cicd.read_metadata"),
    10: ("cicd.ci_success", "cicd.build_package"),
    11: ("cicd.ci_success", "cicd.publish_package"),
    12: ("cicd.ci_success", "cicd.clean_build"),
    13: ("cicd.ci_success", "cicd.advertise_canary"),
    14: ("cicd.ci_success", "cicd.find_hosts"),
    15: ("cicd.ci_success", "cicd.update_hosts"),
    16: ("cicd.deploy_production", "cicd.check_canary"),
    17: ("cicd.deploy_production", None),
    18: ("cicd.deploy_production", "cicd.promote_canary"),
    19: ("cicd.deploy_production", "cicd.update_hosts"),
}
# Steps that happen outside StackStorm, and which execution was told how long they took.
OUTSIDE = {
    4: (("cicd.claim_build", "cicd.close_failed_build"), "seconds"),
    16: (("cicd.check_canary",), "healthy_seconds"),
}


@dataclass(frozen=True)
class Step:
    """One step that has ended: how it went, when (epoch seconds) and for how long."""

    number: int
    name: str
    execution_id: str
    status: str
    started: float
    seconds: float


def ended_steps(
    roots: Sequence[tuple[dict[str, Any], list[dict[str, Any]]]], measured: dict[int, float]
) -> list[Step]:
    """
    Return the steps that ended among *roots*, pairs of a root execution and its descendants.

    A step that happens outside StackStorm takes its seconds from *measured*, or from what
    Jenkins (4) and Consul (16) told the execution that looked.
    """
    found: dict[int, Step] = {}
    for root, tree in roots:
        for number, (root_ref, ref) in PLACES.items():
            if root["action"]["ref"] == root_ref and number not in found:
                step = _step(number, _first(tree, (ref,)) if ref else root)
                found.update({number: step} if step else {})
    outside = {**measured, **_told([execution for _, tree in roots for execution in tree])}
    return [
        _measured(found[number], outside)
        for number in sorted(found)
        if number not in OUTSIDE or number in outside
    ]


def _measured(step: Step, outside: dict[int, float]) -> Step:
    if step.number not in outside:
        return replace(step, seconds=round(step.seconds, 2))
    seconds = round(outside[step.number], 2)
    # The push and the bake ended when the execution that looked began.
    began = step.started - seconds if step.number in (1, 16) else step.started
    return replace(step, seconds=seconds, started=began)


def _told(executions: list[dict[str, Any]]) -> dict[int, float]:
    told: dict[int, float] = {}
    for number, (refs, key) in OUTSIDE.items():
        result = ((_first(executions, refs) or {}).get("result") or {}).get("result")
        if isinstance(result, dict) and key in result:
            told[number] = float(result[key])
    return told


def _first(tree: list[dict[str, Any]], refs: Sequence[str]) -> dict[str, Any] | None:
    same = [execution for execution in tree if execution["action"]["ref"] in refs]
    return min(same, key=lambda execution: str(execution["start_timestamp"])) if same else None


def _step(number: int, execution: dict[str, Any] | None) -> Step | None:
    if execution is None or not (execution.get("end_timestamp") or number == 1):
        return None
    started = seconds(execution["start_timestamp"])
    ended = seconds(execution.get("end_timestamp") or execution["start_timestamp"])
    status = "succeeded" if number == 1 else execution["status"]
    return Step(number, NAMES[number - 1], execution["id"], status, started, ended - started)


def seconds(timestamp: str) -> float:
    """Return StackStorm's *timestamp* as epoch seconds."""
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
