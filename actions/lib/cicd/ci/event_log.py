"""What was decided on every event, in Consul: the newest ones, one line each."""

from __future__ import annotations

import time
from typing import Mapping, TypedDict

from cicd.ci import progress, run
from cicd.ci.push import Decision, Push
from cicd.ci.run import ENDED, FAILED, SUPERSEDED, Run, StoredRun
from cicd.ci.runs import Runs
from cicd.sanitize import moment, one_line
from cicd.store import serial
from cicd.store.store import Store

PREFIX = "cicd/events/"
ALARMS = "cicd/.alarms/"
KEPT = 300
SHOWN_AT_ONCE = 100  # a result stays below 50 KB
RUNS_KEPT = 200


class Entry(TypedDict, total=False):
    """
    What was decided on one event, as it is stored; `at` is in epoch seconds.

    `decision` is build or ignore for a push. An alarm has what it `said`, and the `ring` it was of.
    Where it is shown it has, in words, the `run` that came of it.
    """

    at: float
    source: str
    repository: str
    ref: str
    commit: str
    user: str
    project: str
    decision: str
    reason: str
    said: str
    ring: str
    run: str


NO_PUSH: Entry = {"repository": "", "ref": "", "commit": "", "user": "", "project": ""}


def record(store: Store, push: Push, project: str, decision: Decision, source: str, now: float) -> None:
    """Keep what was decided on *push* for *project*; *source* is github, missed or person."""
    entry: Entry = {
        "at": now,
        "source": source,
        "repository": push.repository,
        "ref": push.ref,
        "commit": push.commit,
        "user": push.user,
        "project": project,
        "decision": "build" if decision.build else "ignore",
        "reason": decision.reason,
    }
    keep(store, PREFIX, KEPT, entry)


def refuse(store: Store, reason: str, source: str) -> None:
    """Keep that an event could not be used at all, and why."""
    record(store, Push("", "", ""), "", Decision(False, one_line(reason)), source, time.time())


def keep(store: Store, prefix: str, kept: int, entry: Entry) -> None:
    """Put *entry* under *prefix*, and drop the oldest beyond *kept*."""
    known = sorted(store.keys(prefix))
    store.put(f"{prefix}{serial.following(known, float(entry['at']))}", entry)
    for key in known[: max(0, len(known) + 1 - kept)]:
        store.delete(key)


def events(store: Store, last: int, project: str = "") -> tuple[list[Entry], int]:
    """
    Return the *last* decisions on pushes and alarms, newest first, and how many more there are.

    Each has the `run` that came of it.
    """
    kept = {**store.below(PREFIX, Entry), **store.below(ALARMS, Entry)}
    keys = sorted(kept, key=lambda key: key.rpartition("/")[2], reverse=True)
    fitting = [kept[key] for key in keys if not project or kept[key]["project"] == project]
    chosen = fitting[:last]
    runs = {name: Runs(store, name).every() for name in {entry["project"] for entry in chosen} if name}
    return [{**entry, "run": _became(runs, entry)} for entry in chosen], len(fitting) - len(chosen)


def lines(entries: list[Entry], more: int = 0) -> str:
    """
    Return *entries* as lines to read: when, what moved, who, the decision, why, and what became of it.

    The last one says that there are *more*.
    """
    said = [_line(entry) for entry in entries]
    shown = min(len(entries) + more, SHOWN_AT_ONCE)
    if more:
        said.append(f"and {more} more{f' (last={shown})' if shown > len(entries) else ''}")
    return "\n".join(said) or "no event has come yet"


def forget_runs(store: Store, project: str) -> None:
    """Drop the oldest ended runs of *project* beyond those that are kept."""
    runs = store.by_change(run.key(project, ""), StoredRun)
    ended = [key for key, document in runs if document["stage"] in ENDED]
    for key in ended[:-RUNS_KEPT]:
        store.delete(key)


def _became(runs: Mapping[str, Mapping[str, Run]], entry: Entry) -> str:
    known = runs.get(entry["project"], {}).get(entry["commit"])
    if known is None:
        return ""
    ended = progress.of(known, time.time())
    if ended:
        how = f"failed: {known.status or 'it did not pass'}, " if known.stage == FAILED else ""
        return f"{how}stopped {progress.told(entry['project'], entry['commit'], ended)}"
    if known.version:
        return f"packaged as {known.version}"
    more = {SUPERSEDED: f" by {known.by[:7]}", FAILED: f": {known.status}"}
    return f"{known.stage}{more.get(known.stage, '')}"


def _line(entry: Entry) -> str:
    when = moment(float(entry["at"]))
    became = f"; now {entry['run']}" if entry["run"] else ""
    project = f"{entry['project']}: " if entry["project"] else ""
    return f"{when}  {_happened(entry)}  {project}{entry['decision']}: {entry['reason']}{became}"


def _happened(entry: Entry) -> str:
    if "said" in entry:
        return f"alarm {entry['said']}  {entry['user']}".strip()
    ref = entry["ref"].partition("/")[2].partition("/")[2] or entry["ref"]
    moved = f"{entry['repository'] or 'unknown'} {ref} {entry['commit'][:7]}".strip()
    return f"{moved}  {entry['user']}"
