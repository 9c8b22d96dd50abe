"""Take one look at a ring: ask every source, record what was found, and take back what is bad."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Tuple, TypedDict

from cicd.alarms import alarm, alarm_handler
from cicd.alarms.alarm import IGNORE, ROLL_BACK, Decision
from cicd.analysis import looks, sources
from cicd.analysis.asked import Asked, Memory
from cicd.clients.consul import Operation, set_
from cicd.config import Settings
from cicd.errors import Refused
from cicd.release import analysis, judging, transitions
from cicd.release.analysis import Analysis, Observation
from cicd.release.analysis_policy import AnalysisPolicy
from cicd.release.record import Cause
from cicd.release.verdict import BAD, Verdict, together
from cicd.sanitize import beginning
from cicd.store.change import Change
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

REASON_CHARACTERS = 1000
NOTHING_DUE = Decision(IGNORE, "no measurement is due")


class Remembered(TypedDict, total=False):
    """What the sources remember, of the analysis of a `generation` that `began` then (epoch seconds)."""

    generation: int
    began: float
    sources: Dict[str, Memory]


@dataclass(frozen=True)
class Outcome:
    """What a look found, if one was taken, and what follows; *tell* when people should hear of it."""

    found: Analysis | None
    decision: Decision
    tell: bool = False

    @property
    def said(self) -> str:
        """What was found and what follows, in words."""
        found = judging.counted(self.found) if self.found else ""
        follows = "" if self.decision.what == IGNORE and self.found else self.decision.reason
        return "; ".join(filter(None, (found, follows)))


def key(project: str, ring: str) -> str:
    """Return where Consul keeps what the sources of *ring* remember from look to look."""
    return f"cicd/{project}/analysis/{ring}"


def take(settings: Settings, project: str, ring: str, generation: int, who: str, execution: str) -> Outcome:
    """
    Return what came of a look at *ring*; one that was found bad wants its earlier version already.

    Nothing is done unless it is due, and the ring is still at *generation*.
    """
    store, found = Store(settings), settings.project(project)
    at = Look(found, keys=[key(project, ring)], more=alarm_handler.beginnings)
    seen = store.look(at)
    what = looks.due(seen, ring) if seen.release.ring(ring).generation == generation else ""
    if not what:
        return Outcome(None, NOTHING_DUE)
    bad = seen.release.ring(ring).judged
    if what == looks.TAKE_BACK and bad:
        again = _answered(settings, seen, ring, who, bad)
        return replace(again, tell=again.decision.what == ROLL_BACK)  # a failure was told, and is tried again
    seen.refuse_unreached(ring)
    known, memory = _looked(seen, ring, what == judging.BEGIN)
    remember = set_(key(project, ring), json.dumps(memory))
    if not _record(store, at, seen, ring, known, remember, Cause(who, "", seen.now, execution)):
        return Outcome(None, NOTHING_DUE)
    if known.outcome == BAD:
        return _answered(settings, store.look(at), ring, who, known)
    return Outcome(known, Decision(IGNORE, judging.counted(known), ring), known.is_over)


def asked(seen: Snapshot, ring: str, policy: AnalysisPolicy, known: Analysis, look: int) -> Asked:
    """
    Return what the sources are asked about *ring* at *look*.

    Excluded hosts are in neither group; the others are those of later rings in the same datacentre.
    """
    names, rings = seen.project.lifecycle.names, seen.rings
    later, where = names[names.index(ring) + 1 :], seen.project.lifecycle.stage(ring).datacenter
    included = [host for host in seen.consul_hosts if host.name not in seen.release.holds.excluded]
    counted = [host for host in included if host.datacenter == where]
    return Asked(
        project=seen.project.name,
        policy=policy,
        monitoring=seen.settings.monitoring,
        canary=[host for host in counted if rings[host.name] == ring],
        baseline=[host for host in counted if rings[host.name] in later],
        reports=seen.reports,
        look=look,
        began=known.began,
        now=seen.now,
    )


def _looked(seen: Snapshot, ring: str, is_first: bool) -> Tuple[Analysis, Remembered]:
    """Return the analysis after this look, and what the sources remember; the first look only remembers."""
    current, policy = seen.release.ring(ring), seen.project.analysis_of(ring)
    stored, known = seen.document(key(seen.project.name, ring), Remembered), current.judged
    if is_first or not known or not _is_of(stored, known):
        known = analysis.begun(current.generation, policy.looks, seen.now)
        _, memories = _observed(asked(seen, ring, policy, known, 0), {})
    else:
        policy = replace(policy, looks=known.planned)
        question = asked(seen, ring, policy, known, known.looks + 1)
        observations, memories = _observed(question, stored["sources"])
        known = analysis.looked(known, _verdict(observations), observations, seen.now)
    return known, {"generation": known.generation, "began": known.began, "sources": memories}


def _is_of(stored: Remembered, known: Analysis) -> bool:
    return (stored.get("generation"), stored.get("began")) == (known.generation, known.began)


def _observed(question: Asked, memories: Mapping[str, Memory]) -> Tuple[List[Observation], Dict[str, Memory]]:
    observations: List[Observation] = []
    remembered: Dict[str, Memory] = {}
    for source in question.policy.sources:
        found, remembered[source] = sources.ALL[source](question, memories.get(source, {}))
        observations.append(replace(found, reason=_short(found.reason)))
    return observations, remembered


def _verdict(observations: List[Observation]) -> Verdict:
    found = together([Verdict(one.outcome, f"{one.source}: {one.reason}") for one in observations])
    return replace(found, reason=_short(found.reason))


def _short(text: str) -> str:
    return beginning(text, REASON_CHARACTERS)


def _record(
    store: Store, at: Look, seen: Snapshot, ring: str, known: Analysis, also: Operation, cause: Cause
) -> bool:
    """
    Write what is *known*, and *also* what is remembered; False when the ring went on without this look.

    What ends the analysis is a change of the release, with a line in its history.
    """
    why = judging.counted(known)

    def judge(now: Snapshot) -> Change:
        if now.release.ring(ring) != seen.release.ring(ring):
            raise Refused(
                f"{ring} of {seen.project.name} changed while it was measured.", "Nothing was changed."
            )
        return Change(transitions.judge(now.release, ring, known), "judge", why, [also])

    try:
        if known.is_over:
            store.apply(at, ring, judge, cause, seen=seen)
            return True
        found = seen.release.with_ring(ring, replace(seen.release.ring(ring), analysis=known))
        return store.amend(seen, found, [also])
    except Refused:
        return False


def _answered(settings: Settings, seen: Snapshot, ring: str, who: str, known: Analysis) -> Outcome:
    """Return what follows from what is *known*, which is bad; the ring wants its earlier version already."""
    decision = alarm.answer(alarm_handler.context(seen), ring, seen.now)
    if decision.what == ROLL_BACK:
        because = f"its analysis says {judging.counted(known)}"
        decision = alarm_handler.gone_back(settings, seen.project.name, because, decision, who)
    return Outcome(known, decision, True)
