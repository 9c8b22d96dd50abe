"""All alarms in a body that a monitoring system sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.alarms import (
    alertmanager,
    cloudwatch,
    datadog,
    new_relic,
    pagerduty,
    plain,
    uptime_kuma,
)
from gateway.alarms.alarm import Alarm, Unusable, alarm_of
from gateway.alarms.names import DEFAULT, Names
from gateway.alarms.values import table

FORMS = (alertmanager, cloudwatch, pagerduty, uptime_kuma, new_relic, datadog, plain)
AT_ONCE = 1000
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Reading:
    """The alarms in a body, each once, and the reasons for which others in it cannot be used, each once."""

    alarms: tuple[Alarm, ...] = ()
    unusable: tuple[str, ...] = ()


def read(body: object, names: Names = DEFAULT, url: Mapping[str, str] = NOTHING) -> Reading:
    """
    Return what the JSON value *body* says, whatever it is: never neither an alarm nor a reason.

    The form of *body* tells which system sent it; *url* names what no label does.
    """
    if not isinstance(body, dict):
        return Reading(unusable=("the body is not an object of JSON",))
    form = next(form for form in FORMS if form.fits(body))
    signals = form.signals(table(body))
    found = [alarm_of(signal, names, url) for signal in signals[:AT_ONCE]]
    reasons = [one.reason for one in found if isinstance(one, Unusable)]
    missing = max(0, len(signals) - AT_ONCE) + alertmanager.left_out(body)
    reasons += [f"{missing} more alarms were left out: there are too many at once"] if missing > 0 else []
    reasons += [] if found or reasons else ["the body names no alarm"]
    return Reading(_once(one for one in found if isinstance(one, Alarm)), tuple(dict.fromkeys(reasons)))


def _once(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """Return one alarm of each project, host and check: it fires as long as any part of it does."""
    known: dict[tuple[str, str, str], Alarm] = {}
    for alarm in sorted(alarms, key=lambda one: one.status != "resolved"):
        known[alarm.project, alarm.host, alarm.check] = alarm
    return tuple(known.values())
