"""What people are told of a project's runs, changes and alarms: one notice of each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Mapping, Sequence, Tuple

from cicd import phrases
from cicd.alarms.alarm import ASK, FAILED
from cicd.ci.event_log import Entry
from cicd.ci.run import Run
from cicd.config import Project
from cicd.release import holds, stop
from cicd.release.lifecycle import AUTO, BY_ITSELF, CANARY
from cicd.release.record import EVERYTHING
from cicd.release.rollout_record import DIED
from cicd.release.stored import HistoryEntry
from cicd.reports import buttons, doer, report
from cicd.reports.buttons import Button
from cicd.reports.report import BEGINS, ERROR, FAILURE, Report
from cicd.sanitize import age, beginning

GOING_BACK = ("restore", "roll_back")
# What a change is called as an event, and the sentence that says it.
CHANGES: Mapping[str, Tuple[str, str]] = {
    "promote": ("promoted", "{new} is being deployed to {ring}, promoted {by}{why}"),
    "roll_back": ("rolled_back", "{ring} is rolled back from {old} to {new}, {by}{why}"),
    "break_glass": ("break_glass", "{new} is being deployed to {ring}, by {who}: {why}"),
    "publish_past_ci": ("break_glass", "a commit is packaged, by {who}: {why}"),
    "approve": ("reviewed", "approved by {who}: {why}"),
    "reject": ("reviewed", "rejected by {who}: {why}"),
    "lock": ("held", "locked by {who}: {why}"),
    "freeze": ("held", "frozen by {who}: {why}"),
    "pin": ("held", "pinned by {who}: {why}"),
    "veto": ("held", "a version is vetoed by {who}: {why}"),
    "lift_veto": ("held", "a veto is lifted by {who}: {why}"),
    "end_lock": ("held", "unlocked by {who}"),
    "end_freeze": ("held", "thawed by {who}"),
    "end_pin": ("held", "no longer pinned, by {who}"),
    "exclude_host": ("held", "a host is excluded by {who}: {why}"),
    "include_host": ("held", "a host is included again by {who}: {why}"),
    "steal_lock": ("held", "the lock is taken over by {who}, {why}"),
}
BY_ALARM = "an alarm:"  # how the history begins to say why, where an alarm took a ring back
LOST = "deploy_lost"
LONGEST = 1200


@dataclass(frozen=True)
class Notice:
    """
    One thing that people are told of *project*.

    `events` are the names by which a target asks for it; `said` and `facts` are sentences, and may have text
    from outside. `following` is what to do next. `ring`, `about` and `mark` are for the memory of what was
    told; `began` is the generation of the deploy that it is the end of, 0 for none. It happened `at` an
    epoch second. `execution` and `build` are where people see more. `commit` is the one whose run ended
    well or badly by it, if any did. A chat may offer the `buttons`.
    """

    events: Tuple[str, ...]
    project: str
    said: str
    mark: str
    facts: Tuple[str, ...] = ()
    following: str = ""
    ring: str = ""
    about: str = ""
    began: int = 0
    at: float = 0
    execution: str = ""
    build: int = 0
    commit: str = ""
    buttons: Tuple[Button, ...] = ()


def of_runs(
    project: Project, runs: Mapping[str, Run], told: Mapping[str, str], since: float, now: float
) -> list[Notice]:
    """
    Return what began and what failed of *runs* that moved after *since*, unless *told* has it.

    *told* is by what it is about.
    """
    reports = report.of_runs(runs, {}, since, now, project.lifecycle.first)
    failed = [one for one in reports if one.state in (FAILURE, ERROR) and runs[one.commit].stage in STAGES]
    found = [_of_start(project.name, commit, run) for commit, run in runs.items() if run.build]
    found = [notice for notice in found if notice.at >= since]
    found += [_of_run(project.name, one, runs[one.commit]) for one in failed]
    return [notice for notice in found if told.get(notice.about) != notice.mark]


OF_RUNS = ("ci_started", "ci_failed", "package_failed")
STAGES = ("failed", "passed")  # what was superseded did not fail


def _of_start(project: str, commit: str, run: Run) -> Notice:
    return Notice(
        events=("ci_started",),
        project=project,
        said=f"{commit[:7]}{_where(run)}: CI runs as build {run.build}",
        facts=_pushed(run),
        about=f"{commit} start",
        mark=str(run.build),
        at=run.at,
        build=run.build,
    )


def _of_run(project: str, one: Report, run: Run) -> Notice:
    is_ci = one.context == "cicd/ci"
    again = f"push a corrected commit, or: st2 run cicd.git_push project={project} commit={one.commit}"
    package = f"st2 run cicd.publish_apt_package project={project} commit={one.commit}"
    hint = run.stop.hint if run.stop else ""
    return Notice(
        events=("ci_failed" if is_ci else "package_failed",),
        project=project,
        said=f"{one.commit[:7]}{_where(run)}: {one.said}",
        facts=_pushed(run),
        following=again if is_ci else hint or package,
        about=one.about,
        mark=f"{run.build} {one.mark}",
        at=run.at,
        execution=one.execution,
        build=run.build if is_ci else 0,
        commit=one.commit,
    )


def _where(run: Run) -> str:
    return f" of {run.branch}" if run.branch else ""


def _pushed(run: Run) -> Tuple[str, ...]:
    return (f"pushed by {run.user}",) if run.user else ()


def of_history(
    project: Project,
    history: Sequence[HistoryEntry],
    generation: int,
) -> list[Notice]:
    """Return what to tell of the changes after *generation*; *history* is oldest first."""
    found: list[Notice] = []
    begun: dict[str, HistoryEntry] = {}  # what each ring's deploy began with
    for entry in history:
        if int(entry["generation"]) > generation:
            found += _of_change(project, entry, begun.get(entry["ring"]))
        if entry["what"] in (*BEGINS, *GOING_BACK):
            begun[entry["ring"]] = entry
    return found


def _of_change(project: Project, entry: HistoryEntry, begun: HistoryEntry | None) -> Iterator[Notice]:
    events, said, following = _words(project, entry, begun)
    if not events:
        return
    ended = entry["what"] in ("confirm", "degrade", "stop", "restore")
    yield Notice(
        events=events,
        project=project.name,
        said=said,
        facts=_facts(entry, begun if ended else None),
        following=following,
        ring=entry["ring"],
        mark=str(entry["generation"]),
        at=float(entry["when"]),
        began=int(begun["generation"]) if begun and ended else 0,
        execution=str(entry.get("execution") or ""),
        commit=_commit(begun) if begun and ended and begun["what"] in BEGINS else "",
        buttons=() if _went_back(begun) else buttons.of(project, entry),
    )


def _words(
    project: Project, entry: HistoryEntry, begun: HistoryEntry | None
) -> tuple[Tuple[str, ...], str, str]:
    """Return the events that a change is, the sentence that says so, and what to do next."""
    what, ring = entry["what"], entry["ring"]
    kind = "production" if ring in project.lifecycle.productions else CANARY
    if what in ("confirm", "degrade") and entry.get("to"):
        return _good(project, entry, begun, kind)
    if said := report.stopped(entry):
        return _failed(project, entry, kind, said)
    if said := report.judged(entry):
        return ("canary_judged",), said, ""
    if what not in CHANGES:
        return (), "", ""
    event, sentence = CHANGES[what]
    events = (event, "alarm") if str(entry.get("why") or "").startswith(BY_ALARM) else (event,)
    names = {"old": entry.get("from"), "new": entry.get("to"), "who": entry.get("who") or "someone"}
    names["by"] = "" if _by_itself(entry) else f"by {names['who']}: "
    return events, sentence.format(ring=ring, why=entry.get("why", ""), **names), _end_of(project.name, what)


def _failed(project: Project, entry: HistoryEntry, kind: str, said: str) -> tuple[Tuple[str, ...], str, str]:
    ended = stop.from_json(entry.get("stop"))
    lost = (LOST,) if ended and ended.why.startswith(DIED) else ()
    if entry["what"] == "restore":
        hint = (ended.hint if ended else "") or "push a corrected commit"
        return (f"{kind}_taken_back", *lost), said, hint
    back = f"push a corrected commit, or `{holds.rollback(project.name, entry['ring'])}`"
    return (f"{kind}_failed", *lost), said, (ended.hint if ended else "") or back


def _good(
    project: Project, entry: HistoryEntry, begun: HistoryEntry | None, kind: str
) -> tuple[Tuple[str, ...], str, str]:
    name, ring, version = project.name, entry["ring"], entry.get("to") or ""
    went_back = _went_back(begun)
    said = f"{version} runs on {ring}{' again' if went_back else ''}: {entry.get('why', '')}"
    followers = () if went_back else project.lifecycle.followers(ring)
    if not followers:
        return (f"{kind}_good",), said, ""
    following = f"`{holds.promotion(name, followers[0])}`"
    if project.lifecycle.stage(followers[0]).promote == AUTO:
        following = f"unless it failed there before, it comes to {followers[0]} by itself"
    seconds = project.lifecycle.stage(ring).bake_seconds(project.min_bake_seconds)
    bake = f" once it has run for {age(seconds)}" if seconds else ""
    if project.approval_of(followers[0]).count:
        approve = f"`approve {name} {version}` (or `reject {name} {version} because …`)"
        return (f"{kind}_good", "approval_wanted"), said, f"{approve}, then {following}{bake}"
    return (f"{kind}_good",), said, f"{following}{bake}"


def _commit(entry: HistoryEntry) -> str:
    return str(entry.get("trace") or "").rpartition("@")[2]


def _went_back(begun: HistoryEntry | None) -> bool:
    return bool(begun and begun["what"] in GOING_BACK)


def _facts(entry: HistoryEntry, begun: HistoryEntry | None) -> Tuple[str, ...]:
    """Return who began a deploy, how long it took, and of which commit: not the one it went back to."""
    commit = ((begun and _commit(begun)) or _commit(entry))[:7]
    facts = [f"commit {commit}"] if commit else []
    if begun:
        facts += [] if _by_itself(begun) else [f"begun by {begun.get('who') or 'someone'}"]
        facts.append(f"took {age(float(entry['when']) - float(begun['when']))}")
    return tuple(facts)


def _by_itself(entry: HistoryEntry) -> bool:
    """Whether nobody asked for a change: its reason says why it was made."""
    why = str(entry.get("why") or "")
    return why.startswith((BY_ITSELF, BY_ALARM)) or entry.get("who") == doer.PACK


def _end_of(project: str, what: str) -> str:
    return f"it ends by: {holds.ending(project, what)}" if what in ("lock", "freeze", "pin") else ""


def of_alarms(
    project: str, alarms: Mapping[str, Entry], told: Mapping[str, str], since: float
) -> list[Notice]:
    """
    Return what to tell of *alarms*, by their place in the log, after *since*, unless *told* has it.

    What an alarm took back is a change of the history, and what was ignored is told to nobody.
    """
    mine = {key: one for key, one in sorted(alarms.items()) if one.get("project") == project}
    return [
        Notice(
            events=("alarm",),
            project=project,
            said=f"{one.get('said', 'an alarm')}: {one.get('reason', '')}",
            following=f"`{holds.rollback(project, one['ring'])}`" if one.get("ring") else "",
            about=f"alarm {key}",
            mark=one["decision"],
            at=one["at"],
        )
        for key, one in mine.items()
        if one.get("decision") in (ASK, FAILED) and one.get("at", 0) >= since and f"alarm {key}" not in told
    ]


def lines(notice: Notice, hosts: Sequence[str] = ()) -> list[str]:
    """Return *notice* as lines of text; the first one is its subject. *hosts* took part in it."""
    name = "every project" if notice.project == EVERYTHING else notice.project
    named = [f"{len(hosts)} {'host' if len(hosts) == 1 else 'hosts'}"] if hosts else []
    found = [f"{name}: {notice.said}", ", ".join((*notice.facts, *named))]
    found += [f"Next: {notice.following}"] if notice.following else []
    return [
        beginning(phrases.spoken(text), LONGEST).encode("utf-8", "replace").decode() for text in found if text
    ]
