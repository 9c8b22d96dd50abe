"""Tell each target of the configuration's `notices` what it asked for, each by itself."""

from __future__ import annotations

import hashlib
import time
from typing import Dict, Iterator, Sequence, TypedDict

from cicd.ci.build_reconciler import Event
from cicd.ci.runs import Runs
from cicd.clock import is_ahead
from cicd.config import Project, Settings
from cicd.errors import CicdError, ReceiverBusy, ReceiverError
from cicd.notice_targets import OPENTELEMETRY, NoticeTarget
from cicd.release.record import EVERYTHING
from cicd.release.rollout_record import RolloutRecord, rollout_key
from cicd.release.stored import HistoryEntry
from cicd.reports import doer, links, notice, run_trace, standing
from cicd.reports.happened import Happened
from cicd.reports.notice import OF_RUNS, Notice
from cicd.reports.outbox import Outbox, Telling, of_each
from cicd.reports.run_trace import Span
from cicd.reports.senders import SENDERS, Message
from cicd.reports.told import LEASE_SECONDS, StoredTold, Told
from cicd.sanitize import unlinked
from cicd.store.store import Store

DUE = "cicd.notice_due"
RETRY_SECONDS = 60.0
MOST_CHANGES = 300  # what is older than so many changes is told to nobody
CONTEXT = 30  # changes before those, among which a deploy began
MANY_CHANGES = 20  # of which a target wanted none: remember that


class Notified(TypedDict):
    """How much was `told`, what is `left`, and what became of it by target."""

    told: int
    left: int
    targets: Dict[str, Telling]


class Notifier(Outbox[Notice]):
    """The notices of one project to one target; *project* may be `everything` for holds."""

    def __init__(self, settings: Settings, project: Project, store: Store, target: NoticeTarget) -> None:
        key = f"{prefix(project.name)}{target.name}"
        super().__init__(store, project.name, key, target.name)
        self._settings = settings
        self._project = project
        self._target = target
        self._scanned = 0

    def is_due(self, happened: Happened) -> bool:
        """Whether there is something to tell now of what *happened*."""
        told = self.told()
        if told is None:
            return True
        if is_ahead(told.busy_until, time.time(), LEASE_SECONDS) or told.is_left_alone(time.time()):
            return False
        if self.asking(told, told.since).asked != told.asked:
            return True
        return bool(self._wanted(told, happened)) or happened.generation - told.generation >= MANY_CHANGES

    def pending(self, told: Told) -> list[Notice]:
        """Return the notices that the target wants of what came after what was *told*."""
        return self._wanted(told, Happened(self._store, self._project.name))

    def asking(self, told: Told, now: float) -> Told:
        """Return what was *told*, with the events that the target asks for *now*."""
        return told.asks(self._target.events, now)

    def _wanted(self, told: Told, happened: Happened) -> list[Notice]:
        found = [*self._of_runs(told, happened), *self._of_history(told, happened)]
        found += [*self._of_alarms(told, happened), *self._of_standing(told, happened)]
        return [one for one in found if any(self._asked_for(told, one, event) for event in one.events)]

    def _asked_for(self, told: Told, one: Notice, event: str) -> bool:
        return self._target.wants(event) and told.asked_for(event, one.at)

    def post(self, told: Told, one: Notice) -> Told:
        """Send *one* as the target's kind says; what only an operator can mend is tried again later."""
        try:
            SENDERS[self._target.to](self._target, self._message(one))
        except ReceiverError:
            raise
        except CicdError as error:
            raise ReceiverBusy(error.message, RETRY_SECONDS) from None
        return told

    def _message(self, one: Notice) -> Message:
        return Message(
            lines=tuple(unlinked(line) for line in notice.lines(one, self._hosts(one))),
            link=self._link(one),
            identifier=f"{one.project}.{_digest(one)}",
            at=one.at,
            tags=tuple(filter(None, ("cicd", one.project, one.ring, *one.events))),
            spans=self._spans(one),
            buttons=tuple((each.what, f"{one.project} {each.version} {each.ring}") for each in one.buttons),
        )

    def _spans(self, one: Notice) -> list[Span]:
        if self._target.to != OPENTELEMETRY or not one.commit:
            return []
        known = Runs(self._store, self._project.name).find(one.commit)
        return run_trace.of(self._project, known, one) if known else []

    def tell(self) -> Telling:
        """Tell what is to be told, and remember up to where nothing was wanted."""
        done = super().tell()
        if not done["left"] and self._scanned:
            self._store.update(self._key, self._passed)
        return done

    def _passed(self, document: StoredTold) -> StoredTold:
        """A notice that another action tells by now is not passed: that one has the claim."""
        if document.get("busy") or not document:
            return document
        return {**document, "generation": max(int(document.get("generation", 0)), self._scanned)}

    def _of_runs(self, told: Told, happened: Happened) -> list[Notice]:
        if self._project.name == EVERYTHING or not self._target.wants(*OF_RUNS):
            return []
        return notice.of_runs(self._project, happened.runs, told.ci, told.since, time.time())

    def _of_history(self, told: Told, happened: Happened) -> list[Notice]:
        if happened.generation <= told.generation:
            return []
        last = min(happened.generation - told.generation, MOST_CHANGES) + CONTEXT
        history = self._store.history(self._project.name, last)[::-1]
        self._scanned = int(history[-1]["generation"]) if history else 0
        return notice.of_history(self._project, self._named(history, happened), told.generation)

    def _named(self, history: Sequence[HistoryEntry], happened: Happened) -> Sequence[HistoryEntry]:
        """Return *history* with whose each change is; runs are read where StackStorm made one by itself."""
        user = self._settings.system_user
        made_itself = any(entry.get("who") == user for entry in history)
        return doer.named(history, happened.runs, user) if made_itself else history

    def _of_alarms(self, told: Told, happened: Happened) -> list[Notice]:
        if self._project.name == EVERYTHING or not self._target.wants("alarm"):
            return []
        return notice.of_alarms(self._project.name, happened.alarms, told.ci, told.since)

    def _of_standing(self, told: Told, happened: Happened) -> list[Notice]:
        name = self._project.name
        if name == EVERYTHING:
            keys = happened.keys if self._target.wants("key_expires") else {}
            return standing.of_keys(keys, told.ci, time.time())
        drift = happened.drift if self._target.wants("drift") else {}
        return standing.of_drift(name, drift, told.ci, told.since, time.time())

    def _hosts(self, one: Notice) -> Sequence[str]:
        if not one.began:
            return ()
        record = self._store.json(rollout_key(one.project, one.began), RolloutRecord)
        return sorted((record or {}).get("hosts") or {})

    def _link(self, one: Notice) -> str:
        if page := links.of_page(self._settings, one.project, one.commit):
            return page
        if one.build:
            return links.of_build(self._settings, self._project, one.build)
        return links.of_execution(self._settings, one.execution)


def notify(settings: Settings, store: Store, name: str) -> Notified:
    """Tell every target what it wants of the project *name*, or of what holds `everything`."""
    project = Project(EVERYTHING, "") if name == EVERYTHING else settings.project(name)
    done = {
        one.name: Notifier(settings, project, store, one).tell() for one in _targets(settings, project.name)
    }
    return {
        "told": sum(one["told"] for one in done.values()),
        "left": sum(one["left"] for one in done.values()),
        "targets": done,
    }


def due(settings: Settings, store: Store) -> Iterator[Event]:
    """Yield the event that has targets told, for every project of which there is something to tell."""
    projects = (*settings.projects.values(), Project(EVERYTHING, "")) if settings.notices else ()

    def find(project: Project) -> Iterator[Event]:
        happened, targets = Happened(store, project.name), _targets(settings, project.name)
        if any(Notifier(settings, project, store, target).is_due(happened) for target in targets):
            yield Event(DUE, {"project": project.name}, "")

    return of_each(projects, find)


def prefix(project: str) -> str:
    """Return below what it is remembered, by target, what was told of *project*."""
    return f"cicd/{project}/notices/"


def _targets(settings: Settings, project: str) -> list[NoticeTarget]:
    return [
        one
        for one in settings.notices
        if project == EVERYTHING or not one.projects or project in one.projects
    ]


def _digest(one: Notice) -> str:
    return hashlib.sha256(f"{one.about} {one.ring} {one.mark}".encode()).hexdigest()[:32]
