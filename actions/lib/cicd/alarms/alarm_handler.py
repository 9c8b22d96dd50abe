"""Take an alarm in: remember it, decide, take the ring back if that is the decision, and record it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Mapping

from cicd.alarms import alarm as alarms
from cicd.alarms import alarm_log
from cicd.alarms.alarm import FAILED, IGNORE, ROLL_BACK, Alarm, AlarmContext, Decision, RingStart
from cicd.alarms.host_name import named
from cicd.config import Settings
from cicd.deploy.deploy import Deploy
from cicd.errors import CicdError
from cicd.release import firing
from cicd.release.firing import Memory
from cicd.release.record import Release
from cicd.release.rollout_record import just_ended, rollout_keys
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store, change_places, change_to


@dataclass(frozen=True)
class Outcome:
    """What was decided on an alarm; *tell* when people should hear of it now."""

    alarm: Alarm
    decision: Decision
    tell: bool


def take(settings: Settings, given: Mapping[str, object], who: str) -> Outcome:
    """
    Return what became of the alarm *given*; the ring is advertised its earlier version already.

    InputError or ConfigError when it has no usable form, or its project is not known. What is decided
    is recorded unless it was decided on the same alarm at the last time, too.
    """
    store = Store(settings)
    try:
        alarm = alarms.parse(given)
        project = settings.project(alarm.project)
    except CicdError as error:
        alarm_log.refuse(store, error.message, time.time())
        raise
    more = _with_rollouts if alarm.is_absence else beginnings
    seen = store.look(Look(project, reports=False, more=more))
    alarm = replace(alarm, host=named(alarm.host, {host.name: host.address for host in seen.consul_hosts}))
    decision, is_new = _judged(settings, store, seen, alarm)
    if decision.what == ROLL_BACK:
        doer = alarm.source if who == settings.system_user else who
        decision = gone_back(settings, alarm.project, f"an alarm: {alarm.said}", decision, doer)
    if is_new:
        person = "" if who == settings.system_user else who
        alarm_log.record(store, alarm, decision, person, time.time())
    return Outcome(alarm, decision, is_new and decision.what != IGNORE)


def _judged(settings: Settings, store: Store, seen: Snapshot, alarm: Alarm) -> tuple[Decision, bool]:
    known = context(seen)
    tries: list[tuple[Decision, bool]] = []

    def change(memory: Memory) -> Memory:
        after, decision, is_new = alarms.judge(memory, alarm, known, time.time())
        tries.append((decision, is_new))
        return after

    store.update(firing.key(alarm.project), change)
    return tries[-1]


def gone_back(settings: Settings, project: str, because: str, decision: Decision, who: str) -> Decision:
    """Take the ring of *decision* back, *because* of what is said, for *who*; return what became of it."""
    deploy = Deploy(settings, project, who)
    try:
        changed = deploy.roll_back(decision.ring, because, decision.generation).ring(decision.ring)
    except CicdError as error:
        reason = f"{decision.ring} could not be rolled back: {error.message} {error.hint}"
        return Decision(FAILED, reason, decision.ring)
    version = changed.wanted.version if changed.wanted else ""
    return replace(decision, generation=changed.generation, version=version)


def context(seen: Snapshot) -> AlarmContext:
    """Return what an alarm about the project that was *seen*, with its *beginnings*, is judged by."""
    rings = seen.project.lifecycle.names
    return AlarmContext(
        seen.release,
        seen.rings,
        {name: _began(seen, name) for name in rings},
        {name: _window(seen, name) for name in rings},
        tuple(name for name in rings[1:] if not seen.deploy(name).auto_rollback),
        seen.settings.access.get("rollback", ()),
        seen.drained,
        _returned(seen),
    )


def _with_rollouts(known: Release) -> list[str]:
    return [*beginnings(known), *rollout_keys(known)]


def _returned(seen: Snapshot) -> frozenset[str]:
    """Return the hosts that were updated a moment ago, as far as the rollouts were read, and are well."""
    well = {one.name for one in seen.consul_hosts if one.is_reached and not one.trouble}
    rollouts = [seen.rollout(seen.release.ring(name).generation) for name in seen.project.lifecycle.names]
    grace = seen.settings.monitoring.absence_grace
    ended = {name for rollout in rollouts for name in just_ended(rollout, seen.now, grace)}
    return frozenset(well & ended)


def _window(seen: Snapshot, ring: str) -> int:
    """Return for how many seconds after a deploy to *ring* an alarm takes it back: while it bakes, too."""
    deploy, bakes = seen.deploy(ring), bool(seen.project.lifecycle.followers(ring))
    is_on = deploy.alarm_window > 0
    return max(deploy.alarm_window, deploy.min_bake_seconds) if is_on and bakes else deploy.alarm_window


def beginnings(known: Release) -> list[str]:
    """Return where the history has the changes by which the rings' present generations began."""
    return change_places(known.project, [known.ring(name).generation for name in known.lifecycle.names])


def _began(seen: Snapshot, ring: str) -> RingStart:
    current = seen.release.ring(ring)
    entry = change_to(seen.items, seen.project.name, current.generation)
    if entry is None:
        return RingStart("", current.since)
    return RingStart(str(entry.get("what", "")), float(entry.get("when", current.since)))
