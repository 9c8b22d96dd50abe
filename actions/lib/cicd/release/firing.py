"""The alarms of a project that fire, and the promotion that they refuse. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Container, Dict, List, Tuple, TypedDict

from cicd.errors import Refused

KEPT = 200
FORGOTTEN_SECONDS = 7 * 86400.0


class _Remembered(TypedDict):
    said: str
    since: float
    heard: float
    reason: str


class Remembered(_Remembered, total=False):
    """
    An alarm that fires `since`, and was `heard` last (epoch seconds); `reason` is that of the decision.

    `absence` is there, and true, of one that says that its host is not there.
    """

    absence: bool


class Answer(TypedDict):
    """The generation that a ring left because of an alarm, and when (epoch seconds)."""

    generation: int
    at: float


class Memory(TypedDict, total=False):
    """What Consul keeps of a project's alarms: which are `firing`, and how each ring `answered`."""

    firing: Dict[str, Remembered]
    answered: Dict[str, Answer]


@dataclass(frozen=True)
class Firing:
    """One alarm that fires: what identifies it, the same in words, and since when (epoch seconds)."""

    source: str
    host: str
    check: str
    said: str
    since: float
    absence: bool = False


@dataclass(frozen=True)
class Alarms:
    """What fires now, the oldest first; which hosts are canaries, and which are drained to be updated."""

    firing: Tuple[Firing, ...] = ()
    canaries: Container[str] = ()
    drained: Container[str] = ()


SILENCE = Alarms()


def key(project: str) -> str:
    """Return where Consul keeps which alarms of *project* fire."""
    return f"cicd/{project}/alarms/firing"


def fresh(memory: Memory, now: float) -> dict[str, Remembered]:
    """Return what the document *memory* says of alarms that were reported within a week, by alarm."""
    firing = memory.get("firing", {})
    return {name: one for name, one in firing.items() if now - float(one["heard"]) < FORGOTTEN_SECONDS}


def alarms(memory: Memory, now: float, canaries: Container[str], drained: Container[str] = ()) -> Alarms:
    """
    Return the alarms that the document *memory* says fire.

    Of their hosts *canaries* are canaries, and we have *drained* some to update them.
    """
    found = [_firing(name, one) for name, one in fresh(memory, now).items()]
    return Alarms(tuple(sorted(found, key=lambda one: one.since)), canaries, drained)


def about_canary(alarms: Alarms) -> List[Firing]:
    """
    Return those of *alarms* that are about a canary host, or about the project without a host.

    That a host is absent does not count while we have drained it.
    """
    counted = [one for one in alarms.firing if not (one.absence and one.host in alarms.drained)]
    return [one for one in counted if not one.host or one.host in alarms.canaries]


def refuse_alarmed(alarms: Alarms, project: str, version: str) -> None:
    """
    Raise Refused while an alarm fires about a canary host, or about the project without a host.

    One about a production host does not count: the promotion may be what ends it. When so many fire that
    no more are remembered, one about the canary may be among those that are not.
    """
    counted = about_canary(alarms)
    if counted:
        raise _alarmed(project, version, counted)
    if len(alarms.firing) >= KEPT:
        raise Refused(
            f"{project} {version} is not promoted: {KEPT} alarms fire, and no more are remembered.",
            f"End those that are over, such as: {ending(project, alarms.firing[0])}",
        )


def ending(project: str, one: Firing) -> str:
    """Return the command by which a person ends an alarm whose monitoring system does not."""
    host = f" host={one.host}" if one.host else ""
    check = f" check={shlex.quote(one.check)}" if one.check else ""
    return f"st2 run cicd.alarm_raised project={project} status=resolved source={one.source}{host}{check}"


def _alarmed(project: str, version: str, counted: List[Firing]) -> Refused:
    first, more = counted[0], len(counted) - 1
    since = datetime.fromtimestamp(first.since, tz=timezone.utc).strftime("%Y-%m-%d %H:%MZ")
    others = f", and {more} more" if more else ""
    return Refused(
        f"{project} {version} is not promoted while an alarm fires: {first.said}, since {since}{others}.",
        "Correct what it is about; it ends when its monitoring system says so. "
        f"If that died: {ending(project, first)}",
    )


def _firing(name: str, one: Remembered) -> Firing:
    source, host, check = name.split("/", 2)
    return Firing(source, host, check, str(one["said"]), float(one["since"]), bool(one.get("absence", False)))
