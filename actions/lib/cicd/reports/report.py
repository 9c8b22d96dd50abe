"""What GitHub is to be told of a project's runs and deploys. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Mapping, Sequence

from cicd.ci import progress
from cicd.ci.run import Run, Stage
from cicd.release import analysis, stop
from cicd.release.lifecycle import BY_ITSELF, CANARY
from cicd.release.stop import Stop
from cicd.release.stored import HistoryEntry
from cicd.release.verdict import BAD

PENDING, SUCCESS, FAILURE, ERROR = "pending", "success", "failure", "error"
CI_STATES: Mapping[Stage, tuple[str, str]] = {
    "accepted": (PENDING, "CI is about to start"),
    "waiting": (PENDING, "waits for the build that runs"),
    "starting": (PENDING, "CI is about to start"),
    "building": (PENDING, "CI is queued or running"),
    "passed": (SUCCESS, "CI passed"),
    "failed": (FAILURE, "CI did not pass: {status}"),
    "superseded": (ERROR, "superseded by {by:.7}"),
}
BEGINS = ("advertise_canary", "promote", "break_glass")
ENDS = ("confirm", "degrade", "stop", "restore", "roll_back", "steal_lock")
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

    @property
    def about(self) -> str:
        """What it says something of: the next one of it replaces it."""
        return self.commit if self.context == "cicd/ci" else f"{self.commit} {self.context}"


def of_run(commit: str, run: Run) -> Report:
    """Return what to tell of the CI of *commit*."""
    state, said = CI_STATES[run.stage]
    if state == FAILURE and run.status in BROKEN:
        state = ERROR
    told = said.format(status=run.status or "it failed", by=run.by)
    return Report(commit, "cicd/ci", state, told, told, build=run.build)


def of_package(commit: str, run: Run, now: float, first: str = CANARY) -> Report | None:
    """Return what to tell of what came after the CI of *commit*, until the *first* ring's history does."""
    ended = progress.of(run, now)
    if ended and ended.step in progress.PACKAGING:
        return _of_stop(commit, "cicd/package", f"stopped {ended.sentence}", ended)
    if ended and ended.step == progress.ADVERTISE:
        return _of_stop(commit, f"cicd/{first}", f"not deployed to {first}: {ended.why}", ended)
    if run.version:
        said = f"packaged as {run.version}" + (f", {run.reproduced}" if run.reproduced else "")
        return Report(commit, "cicd/package", SUCCESS, said, said)
    return None


def of_runs(
    runs: Mapping[str, Run], told: Mapping[str, str], since: float, now: float, first: str = CANARY
) -> list[Report]:
    """Return what to tell of *runs* that moved after *since*, unless *told* has it, by what it is about."""
    moved = sorted((c for c, run in runs.items() if run.at >= since), key=lambda c: runs[c].at)
    found = [one for c in moved for one in (of_run(c, runs[c]), of_package(c, runs[c], now, first)) if one]
    return [one for one in found if told.get(one.about) != one.mark]


def _of_stop(commit: str, context: str, said: str, ended: Stop) -> Report:
    return Report(commit, context, FAILURE, said, f"{ended.when} {said}", execution=ended.execution)


def of_history(history: Sequence[HistoryEntry], generation: int) -> list[Report]:
    """Return what to tell of the changes after *generation*; *history* is oldest first."""
    commits = {to: _commit(e) for e in history if (to := e.get("to")) and e.get("trace")}
    found: list[Report] = []
    walked: dict[str, str] = {}  # the version that a deploy walks to, by ring
    for entry in history:
        ring, what = entry["ring"], entry["what"]
        overtaken = walked.get(ring, "") if what in BEGINS else ""
        if int(entry["generation"]) > generation:
            found += _of_change(entry, commits, overtaken)
        if what in BEGINS:
            walked[ring] = str(entry["to"])
        elif what in ENDS:
            walked.pop(ring, None)
    return [report for report in found if report.commit]


def _of_change(entry: HistoryEntry, commits: Mapping[str, str], overtaken: str) -> Iterable[Report]:
    what, ring, old, new = entry["what"], entry["ring"], entry.get("from"), entry.get("to")

    def report(version: str | None, state: str, said: str, follows: int = 0) -> Report:
        execution = str(entry.get("execution") or "")
        mark, commit = str(int(entry["generation"]) - follows), commits.get(version or "", "")
        return Report(commit, f"cicd/{ring}", state, said, mark, ring, execution)

    if overtaken and overtaken != new:
        yield report(overtaken, ERROR, f"{overtaken} was overtaken by {new} on {ring}", follows=1)
    if what in BEGINS:
        alone = what == "promote" and str(entry["why"]).startswith(BY_ITSELF)
        yield report(new, PENDING, f"{new} is being deployed to {ring}{f', {BY_ITSELF}' if alone else ''}")
    elif what == "confirm" and new:
        yield report(new, SUCCESS, f"{new} runs on every host of {ring}")
    elif what == "degrade":
        yield report(new, SUCCESS, f"{new} runs on {ring}, but for hosts within the failure budget")
    elif what == "roll_back":
        yield report(old, FAILURE, f"{old} was rolled back to {new} on {ring}", follows=1)
        yield report(new, PENDING, f"{ring} is rolled back to {new}")
    elif said := judged(entry) or stopped(entry):
        yield report(old, FAILURE if _is_bad(entry) else SUCCESS, said)


def stopped(entry: HistoryEntry) -> str:
    """Return that the version that a ring left, or stopped at, failed, and why; empty of any other change."""
    what, ring, old, new = entry["what"], entry["ring"], entry.get("from"), entry.get("to")
    ended = stop.from_json(entry.get("stop"))
    why = f": {ended.why}" if ended else ""
    if what == "stop" and ended and ended.back:
        return f"{old} on {ring}: ROLLBACK FAILED: {ended.back}"
    if what == "stop" or (what == "steal_lock" and ended):
        return f"{old} stopped on {ring} until someone decides{why}"
    return (
        f"{old} failed on {ring}, which was rolled back to {new or 'nothing'}{why}"
        if _goes_back(entry)
        else ""
    )


def judged(entry: HistoryEntry) -> str:
    """Return what was found of a canary; empty of any other change."""
    return f"{entry['to']} on {entry['ring']}: {entry['why']}" if entry["what"] == "judge" else ""


def _is_bad(entry: HistoryEntry) -> bool:
    """Of what was judged, only what was found bad failed."""
    known = analysis.from_json(entry.get("analysis"))
    return entry["what"] != "judge" or bool(known and known.outcome == BAD)


def _goes_back(entry: HistoryEntry) -> bool:
    return bool(entry["what"] == "restore" and entry.get("from") != entry.get("to"))


def _commit(entry: HistoryEntry) -> str:
    return str(entry["trace"]).rpartition("@")[2]
