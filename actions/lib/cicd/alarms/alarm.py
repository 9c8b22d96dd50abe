"""An alarm of a monitoring system: whether a ring goes back because of it, and why not. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Container, Mapping, Tuple

from cicd import identifiers
from cicd.clock import SKEW_SECONDS
from cicd.errors import Refused
from cicd.release import firing, holds
from cicd.release import transitions as releases
from cicd.release.firing import KEPT, Answer, Memory, Remembered
from cicd.release.record import DEPLOYING, RESTORING, STOPPED, Release

# The words of Alertmanager, CloudWatch, Consul, Datadog, Grafana, Icinga, Nagios, New Relic and PagerDuty.
FIRING = {
    "activated", "alarm", "alert", "alerting", "created", "critical", "down", "error", "fired", "firing",
    "open", "opened", "problem", "re-triggered", "reopened", "triggered", "unreachable", "warn", "warning",
}  # fmt: skip
RESOLVED = {"closed", "normal", "ok", "passing", "recovered", "recovery", "resolved", "success", "up"}

ROLL_BACK = "roll back"
ASK = "ask"  # a person decides
FAILED = "failed"  # it was to go back, and could not
IGNORE = "ignore"

# What a check is called that says that a host is not there, whichever way it is written.
ABSENT = re.compile(
    r"(?i)(?<![a-z])(absent|dead|down|missing|no data|not responding|offline|ping|unavailable|unreachable)"
    r"(?![a-z])|^(host|up)$"
)
AGAIN_SECONDS = 120.0  # by then a rollback has changed the generation, or died before it could
WENT_BACK = {
    "roll_back": "was rolled back already, and an alarm rolls it back at most once",
    "restore": "was rolled back already after a failed deploy",
    "break_glass": "runs a version that someone broke the glass for, and a person decides",
}


@dataclass(frozen=True)
class Alarm:
    """What *source* says of a *check* of *project*; without a *host* it is about all of it."""

    source: str
    project: str
    host: str
    check: str
    status: str

    @property
    def key(self) -> str:
        """What is the same as long as it is the same alarm."""
        return f"{self.source}/{self.host}/{self.check}"

    @property
    def is_absence(self) -> bool:
        """Whether it says that its host is not there, in place of what is wrong with it."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", self.check)
        return bool(self.host) and (self.status in ("down", "unreachable") or bool(ABSENT.search(words)))

    @property
    def said(self) -> str:
        """The alarm in words."""
        where = f" on {self.host}" if self.host else ""
        return f"{self.check or 'an alarm'}{where} ({self.source})"


@dataclass(frozen=True)
class RingStart:
    """How the present generation of a ring began: what was done, and when (epoch seconds)."""

    what: str
    when: float


@dataclass(frozen=True)
class AlarmContext:
    """
    What an alarm is judged by.

    `rings` is the ring of each host, `windows` the seconds after a deploy to each ring in which
    alarms count, `manual` the rings that only a person takes back, `people` who may (anybody when empty).
    `drained` are the hosts that we took out of traffic, to update them; `returned` those that came back
    a moment ago, and are well now.
    """

    release: Release
    rings: Mapping[str, str]
    began: Mapping[str, RingStart]
    windows: Mapping[str, float]
    manual: Tuple[str, ...] = ()
    people: Tuple[str, ...] = ()
    drained: Container[str] = ()
    returned: Container[str] = ()


@dataclass(frozen=True)
class Decision:
    """What follows from an alarm, why, and for which generation of which ring."""

    what: str
    reason: str
    ring: str = ""
    generation: int = 0
    version: str = ""


def parse(given: Mapping[str, object]) -> Alarm:
    """Return the alarm *given*; InputError names the field that has not the form it must have."""
    host, check = given.get("host"), given.get("check")
    return Alarm(
        source=identifiers.check("source", given.get("source")),
        project=identifiers.check("project", given.get("project")),
        host=identifiers.check("address" if ":" in str(host) else "host", host) if host else "",
        check=identifiers.check("check", check) if check else "",
        status=identifiers.check("status", given.get("status")).lower(),
    )


def judge(memory: Memory, alarm: Alarm, known: AlarmContext, now: float) -> Tuple[Memory, Decision, bool]:
    """
    Return what to remember, the decision, and whether it is another one than at the last time.

    Alarms that nobody reported for a week are forgotten; beyond KEPT no new one is looked at, since
    one that is not remembered cannot be told from one that fired before.
    """
    known_to_fire, answered = firing.fresh(memory, now), memory.get("answered", {})
    why, before = _nothing_to_judge(alarm, known_to_fire), known_to_fire.get(alarm.key)
    if why:
        left = {k: v for k, v in known_to_fire.items() if k != alarm.key or alarm.status not in RESOLVED}
        return {"firing": left, "answered": answered}, Decision(IGNORE, why), True
    since = float(before["since"]) if before else now
    decision = _decide(alarm, known, since, answered, now)
    if decision.what == ROLL_BACK:
        answered = {**answered, decision.ring: {"generation": decision.generation, "at": now}}
    known_to_fire[alarm.key] = {"said": alarm.said, "since": since, "heard": now, "reason": decision.reason}
    if alarm.is_absence:
        known_to_fire[alarm.key]["absence"] = True
    is_new = decision.what == ROLL_BACK or not before or before["reason"] != decision.reason
    return {"firing": known_to_fire, "answered": answered}, decision, is_new


def _nothing_to_judge(alarm: Alarm, known: Mapping[str, Remembered]) -> str:
    if alarm.status in RESOLVED:
        return "it is over" if alarm.key in known else "it is over, and was not known to fire"
    if alarm.status not in FIRING:
        return f"{alarm.status} says neither that it fires nor that it is over"
    if alarm.key not in known and len(known) >= KEPT:
        return f"{KEPT} alarms of {alarm.project} fire already, and no more are remembered"
    return ""


def _decide(
    alarm: Alarm, known: AlarmContext, since: float, answered: Mapping[str, Answer], now: float
) -> Decision:
    ring, why = _ring(alarm, known, now)
    why = why or _not_recent(known, ring, now) or _left_alone(known, ring)
    why = why or _too_late(known, ring, since, answered, now)
    return Decision(IGNORE, why, ring) if why else _answer(known, ring, now)


def answer(known: AlarmContext, ring: str, now: float) -> Decision:
    """Return what follows for *ring* from what is wrong with its last deploy, however long ago that ended."""
    why = _left_alone(known, ring)
    return Decision(IGNORE, why, ring) if why else _answer(known, ring, now)


def _answer(known: AlarmContext, ring: str, now: float) -> Decision:
    current, project = known.release.ring(ring), known.release.project
    try:
        back = releases.roll_back(known.release, ring, now, automatic=True).ring(ring).wanted
    except Refused as refusal:
        return Decision(ASK, f"{ring} cannot be rolled back: {refusal.message} {refusal.hint}", ring)
    if ring in known.manual:
        who = ", ".join(known.people) or "a person"
        return Decision(
            ASK,
            f"deploy.auto_rollback is false, so {who} decides: `{holds.rollback(project, ring)}`",
            ring,
        )
    versions = f"from {_version(known, ring)} to {back.version if back else 'nothing'}"
    return Decision(ROLL_BACK, f"{ring} is rolled back {versions}", ring, current.generation)


def _ring(alarm: Alarm, known: AlarmContext, now: float) -> Tuple[str, str]:
    """Return the ring that the alarm is about, or why there is none."""
    if max(known.windows.values()) <= 0:
        return "", "deploy.alarm_window is 0, so no alarm rolls anything back"
    if alarm.is_absence and alarm.host in known.drained:
        return "", f"{alarm.host} is out of traffic to be updated, so it may be absent"
    if alarm.is_absence and alarm.host in known.returned:
        return "", f"{alarm.host} was updated a moment ago, and Consul reports it as healthy now"
    if alarm.host in known.release.holds.excluded:
        return "", f"{alarm.host} is excluded"
    if alarm.host:
        ring = known.rings.get(alarm.host, "")
        return ring, "" if ring else f"{alarm.host} is not a host of {alarm.project} in Consul"
    recent = [ring for ring in known.began if _is_recent(known, ring, now)]
    if not recent:
        return "", "it names no host, and no deploy is recent enough"
    return max(recent, key=lambda ring: known.release.ring(ring).generation), ""


def _not_recent(known: AlarmContext, ring: str, now: float) -> str:
    if not known.release.ring(ring).wanted or _is_recent(known, ring, now):
        return ""
    return f"the deploy of {_version(known, ring)} to {ring} ended more than {known.windows[ring]:.0f} s ago"


def _left_alone(known: AlarmContext, ring: str) -> str:
    current = known.release.ring(ring)
    if not current.wanted:
        return f"nothing is deployed to {ring}"
    if current.state == RESTORING:
        return f"{ring} is being rolled back already"
    if current.state == STOPPED:
        return f"the deploy to {ring} is stopped, and a person decides what happens next"
    if current.ignores_holds:
        return f"{ring} {WENT_BACK.get(known.began[ring].what, WENT_BACK['roll_back'])}"
    return ""


def _too_late(
    known: AlarmContext, ring: str, since: float, answered: Mapping[str, Answer], now: float
) -> str:
    began = known.began[ring].when
    is_set_back = began - now > SKEW_SECONDS
    if since < began and not (is_set_back and since == now):  # then it is first reported now, in the deploy
        return f"it fired already before {_version(known, ring)} was deployed to {ring}"
    last = answered.get(ring)
    generation = known.release.ring(ring).generation
    if last and last["generation"] == generation and 0 <= now - last["at"] < AGAIN_SECONDS:
        return f"{ring} is already being rolled back because of an alarm"
    return ""


def _is_recent(known: AlarmContext, ring: str, now: float) -> bool:
    current = known.release.ring(ring)
    return current.state in (DEPLOYING, RESTORING) or now - current.since <= known.windows[ring]


def _version(known: AlarmContext, ring: str) -> str:
    wanted = known.release.ring(ring).wanted
    return wanted.version if wanted else "nothing"
