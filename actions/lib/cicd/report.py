"""What GitHub is to be told of a project's runs and deploys. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

PENDING, SUCCESS, FAILURE, ERROR = "pending", "success", "failure", "error"
CI_STATES = {
    "accepted": (PENDING, "CI is about to start"),
    "waiting": (PENDING, "waits for the build that runs"),
    "starting": (PENDING, "CI is about to start"),
    "building": (PENDING, "CI is queued or running"),
    "passed": (SUCCESS, "CI passed"),
    "failed": (FAILURE, "CI did not pass: {status}"),
    "superseded": (ERROR, "superseded by {by:.7}"),
}
BROKEN = {"ABORTED", "NOT_BUILT", "CANCELLED", "LOST", "OVERDUE", "REFUSED"}


@dataclass(frozen=True)
class Report:
    """
    One thing to tell of *commit*: the state of `cicd/ci`, or of the deploy to *ring*.

    `mark` names it for the memory of what was told: what was said, or the generation told in full.
    """

    commit: str
    context: str
    state: str
    said: str
    mark: str
    ring: str = ""
    execution: str = ""
    build: int = 0


def of_run(commit: str, run: Mapping[str, Any]) -> Report:
    """Return what to tell of the CI of *commit*."""
    state, said = CI_STATES[run["stage"]]
    if state == FAILURE and run.get("status") in BROKEN:
        state = ERROR
    words = {"status": run.get("status") or "it failed", "by": str(run.get("by", ""))}
    build = int(run.get("build") or 0)
    told = said.format(**words)
    return Report(commit, "cicd/ci", state, told, told, build=build)


def of_runs(runs: Mapping[str, Mapping[str, Any]], told: Mapping[str, str], since: float) -> list[Report]:
    """Return what to tell of *runs* that moved after *since*, unless *told* has it, by commit."""
    moved = sorted((c for c, run in runs.items() if run["at"] >= since), key=lambda c: float(runs[c]["at"]))
    return [one for one in (of_run(c, runs[c]) for c in moved) if told.get(one.commit) != one.mark]


def of_history(history: Sequence[Mapping[str, Any]], generation: int) -> list[Report]:
    """Return what to tell of the changes after *generation*; *history* is oldest first."""
    commits = {e["to"]: _commit(e) for e in history if e.get("to") and e.get("trace")}
    return [
        report
        for entry in history
        if int(entry["generation"]) > generation
        for report in _of_change(entry, commits)
        if report.commit
    ]


def _of_change(entry: Mapping[str, Any], commits: Mapping[str, str]) -> Iterable[Report]:
    what, ring, old, new = entry["what"], entry["ring"], entry.get("from"), entry.get("to")

    def report(version: str | None, state: str, said: str, follows: int = 0) -> Report:
        execution = str(entry.get("execution") or "")
        mark, commit = str(int(entry["generation"]) - follows), commits.get(version or "", "")
        return Report(commit, f"cicd/{ring}", state, said, mark, ring, execution)

    if what in ("advertise_canary", "promote", "break_glass"):
        yield report(new, PENDING, f"{new} is being deployed to {ring}")
    elif what == "confirm" and new:
        yield report(new, SUCCESS, f"{new} runs on every host of {ring}")
    elif what == "degrade":
        yield report(new, SUCCESS, f"{new} runs on {ring}, but for hosts within the failure budget")
    elif what == "stop":
        yield report(new, FAILURE, f"{new} failed on {ring}, which stays as it is until somebody decides")
    elif what == "restore" and old != new:
        yield report(old, FAILURE, f"{old} failed on {ring}, which went back to {new or 'nothing'}")
    elif what == "roll_back":
        yield report(old, FAILURE, f"{old} was rolled back to {new} on {ring}", follows=1)
        yield report(new, PENDING, f"{ring} goes back to {new}")


def _commit(entry: Mapping[str, Any]) -> str:
    return str(entry["trace"]).rpartition("@")[2]
