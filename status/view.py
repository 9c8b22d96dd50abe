"""What the page shows of one project, as plain data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from cicd import phrases
from cicd.ci import progress, step_times
from cicd.ci.run import OPEN, Run
from cicd.ci.step_times import StepTime, Times
from cicd.release import guards
from cicd.release.record import DEPLOYING, HEALTHY, RESTORING, STOPPED, Release, Ring
from cicd.release.stored import HistoryEntry
from cicd.release.verdict import BAD, GOOD
from cicd.reports import links, overview, status_text
from cicd.reports.status_text import HostStatus
from cicd.sanitize import age, rfc3339
from cicd.store.snapshot import Snapshot
from status import steps

RUNS = 8
KINDS = ("lock", "freeze", "pin")
VERDICTS = {GOOD: "ok", BAD: "bad"}
COLOURS = {HEALTHY: "ok", STOPPED: "bad", DEPLOYING: "move", RESTORING: "warn"}


class Bake(TypedDict):
    """Seconds for which a version was good on a ring, and those after which it may go on."""

    done: int
    needed: int


class Verdict(TypedDict):
    """What was found of a ring by its figures: its name, in words, and the colour of that."""

    outcome: str
    said: str
    colour: str


class RingView(TypedDict):
    """
    A ring: what it is wanted to run since when, and its hosts but for those that are `more`.

    Of all its hosts, `good` are healthy and `sick` are not.
    """

    name: str
    state: str
    colour: str
    version: str
    commit: str
    since: str
    age: str
    before: str
    bake: Bake | None
    verdict: Verdict | None
    hosts: list[HostStatus]
    more: int
    good: int
    sick: int


class StepView(TypedDict):
    """
    A step of a run: its name, how it is there, and when it began.

    `seconds` is None while that is not known. `execution` did it in StackStorm, and `url` shows more of it.
    """

    name: str
    state: str
    when: str
    seconds: float | None
    execution: str
    url: str


class RunView(TypedDict):
    """
    The run of a commit: how far it came of the 19 `steps` in a few words, and why it stopped, if it did.

    `seconds` is the time from its first step to the end of its last one so far.
    """

    commit: str
    who: str
    when: str
    age: str
    version: str
    step: int
    state: str
    said: str
    why: str
    execution: str
    url: str
    seconds: float
    steps: list[StepView]


class ChangeView(TypedDict):
    """A line of the history."""

    when: str
    who: str
    what: str
    ring: str
    moved: str
    why: str


class ProjectView(TypedDict):
    """
    One project; rings in their order, runs and changes with the newest first.

    `holds` are the kinds of what holds it. `waiting` commits have not ended CI, the first one of them
    since `waiting_since`.
    """

    name: str
    repository: str
    at: str
    rings: list[RingView]
    good: int
    sick: int
    notes: list[str]
    next: str
    holds: list[str]
    waiting: int
    waiting_since: str
    runs: list[RunView]
    history: list[ChangeView]


def of(seen: Snapshot) -> ProjectView:
    """Return what is shown of the project that was *seen*."""
    shown = overview.status_of(seen)
    hosts, runs = overview.hosts(seen), overview.runs(seen)
    waiting = [one.at for one in runs.values() if one.stage in OPEN]
    return {
        "name": seen.project.name,
        "repository": seen.project.repository,
        "at": iso(seen.now),
        "rings": [_ring(seen, name, shown["hosts"], hosts) for name in seen.release.lifecycle.names],
        "good": sum(host["healthy"] for host in hosts),
        "sick": sum(not host["healthy"] for host in hosts),
        "notes": [phrases.spoken(note) for note in shown["notes"]],
        "next": phrases.spoken(shown["next"]),
        "holds": [kind for kind in KINDS if _holds(seen.release, kind)],
        "waiting": len(waiting),
        "waiting_since": iso(min(waiting, default=0)),
        "runs": list(_runs(seen, runs)),
        "history": [_change(entry) for entry in shown["history"]],
    }


def iso(when: float) -> str:
    """Return the epoch second *when* in UTC, to the second; empty for the beginning of time."""
    return rfc3339(when) if when else ""


def _holds(release: Release, kind: str) -> bool:
    return any(getattr(holds, kind) for holds in (release.holds, release.around))


def _ring(seen: Snapshot, name: str, listed: list[HostStatus], hosts: list[HostStatus]) -> RingView:
    ring, own = seen.release.ring(name), [host for host in listed if host["ring"] == name]
    healthy = [host["healthy"] for host in hosts if host["ring"] == name]
    return {
        "name": name,
        "state": ring.state,
        "colour": COLOURS.get(ring.state, "warn") if ring.wanted else "dim",
        "version": ring.wanted.version if ring.wanted else "",
        "commit": ring.wanted.commit if ring.wanted else "",
        "since": iso(ring.since),
        "age": age(seen.now - ring.since) if ring.wanted else "",
        "before": ring.previous_good.version if ring.previous_good else "",
        "bake": _bake(seen, name),
        "verdict": _verdict(ring, name, seen.now),
        "hosts": own,
        "more": len(healthy) - len(own),
        "good": sum(healthy),
        "sick": len(healthy) - sum(healthy),
    }


def _verdict(ring: Ring, name: str, now: float) -> Verdict | None:
    known = ring.judged
    if not known:
        return None
    said = status_text.judged(ring, name, now)
    return {"outcome": known.outcome, "said": said, "colour": VERDICTS.get(known.outcome, "dim")}


def _bake(seen: Snapshot, name: str) -> Bake | None:
    """Return how long the ring's version baked, while a ring after it has another one."""
    release, ring = seen.release, seen.release.ring(name)
    wanted = [release.ring(after).wanted for after in release.lifecycle.followers(name)]
    if ring.state != HEALTHY or not ring.wanted or not any(one != ring.wanted for one in wanted):
        return None
    baked, needed = guards.bake(release, name, seen.now, seen.project.min_bake_seconds)
    return {"done": min(needed, int(baked)), "needed": needed}


def run_of(seen: Snapshot, commit: str) -> RunView | None:
    """Return the run of *commit*, or of one that begins so, of the project that was *seen*; None without."""
    runs = overview.runs(seen)
    found = next((one for one in sorted(runs) if one.startswith(commit)), "")
    return _run(seen, found, runs[found]) if found else None


def _runs(seen: Snapshot, runs: Mapping[str, Run]) -> Iterator[RunView]:
    for commit in sorted(runs, key=lambda one: -runs[one].at)[:RUNS]:
        yield _run(seen, commit, runs[commit])


def _run(seen: Snapshot, commit: str, known: Run) -> RunView:
    ended = progress.of(known, seen.now)
    found, times = steps.of(seen.release, known, ended), step_times.all_of(known.times)
    execution = ended.execution if ended else known.claimed_by
    return {
        "commit": commit,
        "who": known.user,
        "when": iso(known.at),
        "age": age(seen.now - known.at),
        "version": known.version,
        "step": found.number,
        "state": found.state,
        "said": found.said,
        "why": ended.sentence if ended else "",
        "execution": execution,
        "url": links.of_execution(seen.settings, execution),
        "seconds": _from_first_to_last(times),
        "steps": [_step(seen, known, found, number, times.get(number)) for number in steps.ALL],
    }


def _step(seen: Snapshot, known: Run, at: steps.Step, number: int, time: StepTime | None) -> StepView:
    execution = time.execution if time else ""
    url = links.of_execution(seen.settings, execution)
    if number == step_times.TESTED and known.build:
        url = links.of_build(seen.settings, seen.project, known.build)
    return {
        "name": step_times.NAMES[number - 1],
        "state": steps.state(at, number),
        "when": iso(time.began) if time else "",
        "seconds": time.seconds if time and number not in step_times.MOMENTS else None,
        "execution": execution,
        "url": url,
    }


def _from_first_to_last(times: Times) -> float:
    if not times:
        return 0.0
    return round(max(time.ended for time in times.values()) - min(time.began for time in times.values()), 1)


def _change(entry: HistoryEntry) -> ChangeView:
    old, new = entry["from"] or "nothing", entry["to"] or "nothing"
    return {
        "when": iso(float(entry["when"])),
        "who": entry["who"] or "unknown",
        "what": str(entry["what"]).replace("_", " "),
        "ring": entry["ring"],
        "moved": f"{old} → {new}" if old != new else f"at {new}",
        "why": entry["why"],
    }
