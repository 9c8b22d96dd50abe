"""Timers: rules that wait for core.st2.IntervalTimer, CronTimer or DateTimer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from st2local import clock
from st2local.content.registry import Registry
from st2local.engine import triggers
from st2local.engine.rules import Rules
from st2local.engine.triggers import Triggers
from st2local.values import Values

LOG = logging.getLogger(__name__)
INTERVAL, CRON, DATE = "core.st2.IntervalTimer", "core.st2.CronTimer", "core.st2.DateTimer"


@dataclass
class Timer:
    """One trigger of a timer, and when it is next due (None: never again)."""

    trigger: Values
    next_after: Callable[[datetime], datetime | None]
    due: datetime | None

    def keep_near(self, now: datetime) -> None:
        """Be due no later than if it began *now*: a clock that was set back makes no wait longer."""
        if self.due:
            self.due = min(self.due, self.next_after(now) or self.due)


@dataclass
class Timers:
    """Fires each timer that an enabled rule waits for, in one thread."""

    _registry: Registry
    _rules: Rules
    _triggers: Triggers

    def __post_init__(self) -> None:
        self._stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
        self._timers: list[Timer] = []

    def start(self) -> None:
        """Begin; a timer counts from now, as under StackStorm."""
        self._timers = self._wanted()
        self._thread.start()

    def reload(self) -> None:
        """Take up the timers that rules wait for now; one that was there already keeps its next time."""
        known = {timer.trigger["ref"]: timer for timer in self._timers}
        self._timers = [known.get(timer.trigger["ref"], timer) for timer in self._wanted()]
        self._wake.set()

    def _wanted(self) -> list[Timer]:
        found = {one["ref"]: one for one in map(triggers.trigger_of, self._registry.all("rule"))}
        kinds = (INTERVAL, CRON, DATE)
        return [timer for one in found.values() if one["type"] in kinds and (timer := _timer(one))]

    def stop(self) -> None:
        """End."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            for timer in self._timers:
                timer.keep_near(datetime.now(UTC))
            dues = [timer.due for timer in self._timers if timer.due]
            wait = (min(dues) - datetime.now(UTC)).total_seconds() if dues else None
            if self._wake.wait(wait if wait is None else max(0.0, min(wait, 60.0))):
                self._wake.clear()
                continue
            now = datetime.now(UTC)
            for timer in self._timers:
                if timer.due and timer.due <= now:
                    self._fire(timer, now)

    def _fire(self, timer: Timer, now: datetime) -> None:
        timer.due = timer.next_after(now)
        if not self._rules.rules_for(timer.trigger["ref"]):
            return
        payload = {"executed_at": clock.to_text(now), "schedule": timer.trigger["parameters"]}
        self._triggers.dispatch(
            timer.trigger["type"],
            payload,
            parameters=timer.trigger["parameters"],
            trace_tag=f"{timer.trigger['type']}-{timer.trigger['name']}",
        )


def _timer(found: Values) -> Timer | None:
    """Return the timer of a trigger, or None when its parameters name none."""
    try:
        following = schedule(found["type"], found["parameters"])
    except (ValueError, KeyError) as error:
        LOG.warning("a timer with parameters %s cannot run: %s", found["parameters"], error)
        return None
    return Timer(found, following, following(datetime.now(UTC)))


def schedule(kind: str, parameters: Values) -> Callable[[datetime], datetime | None]:
    """Return a function from a moment to the next due one. Raises ValueError, KeyError."""
    zone = ZoneInfo(parameters.get("timezone") or "UTC")
    if kind == INTERVAL:
        span = timedelta(**{parameters["unit"]: parameters["delta"]})
        if span <= timedelta():
            raise ValueError("the interval must be longer than nothing")
        return lambda after: after + span
    if kind == DATE:
        moment = datetime.fromisoformat(parameters["date"])
        due = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return lambda after: due if due > after else None
    cron = CronTrigger(**{**parameters, "timezone": zone})
    return lambda after: cron.get_next_fire_time(after, after)
