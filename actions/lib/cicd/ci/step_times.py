"""The 19 steps of a commit's run, and how long each took. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple

NAMES = (
    "push", "verified", "CI starts", "cloned and tested", "CI passed", "packaging", "build host", "fetched",
    "metadata", "package", "published", "cleaned", "advertised to the first ring", "hosts found",
    "first ring updated", "bakes", "promotion asked for", "advertised to the last ring", "last ring updated",
)  # fmt: skip
VERIFIED, CI_STARTS, TESTED, CI_PASSED, PACKAGING, BUILD_HOST, CLEANED = 2, 3, 4, 5, 6, 7, 12
HOSTS, FIRST, BAKES, ASKED, LAST = 14, 15, 16, 17, 19
MOMENTS = (1, ASKED)  # of which nobody knows how long they took
FIND_HOSTS, PROMOTE = "find hosts", "promote canary"
# What people call the action, and its step.
NUMBERS: Mapping[str, int] = {
    "find build host": BUILD_HOST, "fetch commit": 8, "read metadata": 9, "build tree": 10,
    "build architectures": 10, "build package": 10, "compare builds": 10, "publish package": 11,
    "clean build": CLEANED, "advertise canary": 13, FIND_HOSTS: HOSTS, "update hosts": FIRST,
    "confirm ring": FIRST, PROMOTE: 18,
}  # fmt: skip
GOES_ON = ("build architectures", "build package", "compare builds", "confirm ring")  # where a step began


class StepTime(NamedTuple):
    """When a step began (epoch seconds), the seconds that it took, and the execution that did most of it."""

    began: float
    seconds: float
    execution: str = ""

    @property
    def ended(self) -> float:
        """The epoch second at which it ended."""
        return self.began + self.seconds


Times = Mapping[int, StepTime]
StoredTimes = Dict[str, List[object]]


def between(began: float, ended: float, execution: str = "") -> StepTime:
    """Return the time of a step from *began* to *ended*, epoch seconds of clocks that may differ a bit."""
    return StepTime(round(began, 1), round(max(0.0, ended - began), 1), execution)


def done(times: Times, number: int, time: StepTime) -> Times:
    """Return *times* with that of step *number*; those of later steps are of an earlier try, and go."""
    return {**_before(times, number), number: time}


def followed(times: Times, number: int, ended: float, execution: str = "") -> Times:
    """Return *times* with step *number*, which began when the one before it ended, where that is known."""
    before = times.get(number - 1)
    return done(times, number, between(before.ended, ended, execution)) if before else times


def acted(times: Times, action: str, time: StepTime, is_later_ring: bool) -> Times:
    """Return *times* after *action*, which is a step or a part of one; on a later ring, of the last step."""
    is_last = is_later_ring and NUMBERS[action] in (HOSTS, FIRST)
    number = LAST if is_last else NUMBERS[action]
    if action == PROMOTE:
        times = _promoted(times, time)
    known = times.get(number)
    if known and (action in GOES_ON or (is_last and action != FIND_HOSTS)):
        most = max(known, time, key=lambda part: part.seconds)
        time = between(known.began, time.ended, most.execution)
    return done(times, number, time)


def all_of(times: Times) -> Times:
    """Return *times* with that of packaging as a whole, whose parts are steps of their own."""
    parts = [times[number] for number in range(BUILD_HOST, CLEANED + 1) if number in times]
    if not parts:
        return times
    return {**times, PACKAGING: between(parts[0].began, max(part.ended for part in parts))}


def as_json(times: Times) -> StoredTimes:
    """Return *times* as plain data for the store."""
    return {str(number): list(time) for number, time in sorted(times.items())}


def parse(stored: Any) -> Times:
    """Return the times that as_json wrote."""
    return {int(number): _time(*time) for number, time in stored.items()}


def _time(began: float, seconds: float, execution: str = "", *_: object) -> StepTime:
    return StepTime(float(began), float(seconds), str(execution))


def _promoted(times: Times, time: StepTime) -> Times:
    """A promotion ends the bake, which began when the first ring was good; to a further ring that is over."""
    baked = times if BAKES in times else followed(times, BAKES, time.began)
    return done(baked, ASKED, StepTime(time.began, 0.0, time.execution))


def _before(times: Times, number: int) -> Dict[int, StepTime]:
    return {one: time for one, time in times.items() if one < number}
