"""Tell each target of the configuration's `notices` what it asked for, each by itself."""

from __future__ import annotations

import hashlib
import time
from functools import cached_property
from typing import Dict, Iterator, Mapping, Sequence, TypedDict

from cicd.ci.build_reconciler import Event
from cicd.ci.event_log import ALARMS, Entry
from cicd.ci.run import Run
from cicd.ci.runs import Runs
from cicd.clients import mail, webhook
from cicd.clients.stackstorm import StackStorm
from cicd.clock import is_ahead
from cicd.config import Project, Settings
from cicd.errors import CicdError, ReceiverBusy, ReceiverError
from cicd.notice_targets import CHATOPS, MAIL, WEBHOOK, NoticeTarget
from cicd.release.record import EVERYTHING
from cicd.release.rollout_record import RolloutRecord, rollout_key
from cicd.reports import links, notice
from cicd.reports.notice import Notice
from cicd.reports.outbox import Outbox, Telling
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


class Happened:
    """What happened to *project*, each part read once, when a target first wants it."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    @cached_property
    def generation(self) -> int:
        """The newest generation of its record."""
        return self._store.generation(self._project)

    @cached_property
    def runs(self) -> Mapping[str, Run]:
        """Its runs, by commit."""
        return Runs(self._store, self._project).every()

    @cached_property
    def alarms(self) -> Mapping[str, Entry]:
        """The alarms of all projects, by their place in the log."""
        return {key.rpartition("/")[2]: one for key, one in self._store.below(ALARMS, Entry).items()}


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
        return bool(self._wanted(told, happened)) or happened.generation - told.generation >= MANY_CHANGES

    def pending(self, told: Told) -> list[Notice]:
        """Return the notices that the target wants of what came after what was *told*."""
        return self._wanted(told, Happened(self._store, self._project.name))

    def _wanted(self, told: Told, happened: Happened) -> list[Notice]:
        found = [*self._of_runs(told, happened), *self._of_history(told, happened)]
        found += self._of_alarms(told, happened)
        wanted = self._target.events
        return [one for one in found if not wanted or set(wanted) & set(one.events)]

    def post(self, told: Told, one: Notice) -> Told:
        """Send *one* as the target's kind says; what only an operator can mend is tried again later."""
        lines = [unlinked(line) for line in notice.lines(one, self._hosts(one))]
        try:
            self._send(lines, self._link(one), f"{one.project}.{_digest(one)}")
        except ReceiverError:
            raise
        except CicdError as error:
            raise ReceiverBusy(error.message, RETRY_SECONDS) from None
        return told

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
        if self._project.name == EVERYTHING or not self._wants("ci_failed", "package_failed"):
            return []
        return notice.of_runs(self._project, happened.runs, told.ci, told.since, time.time())

    def _of_history(self, told: Told, happened: Happened) -> list[Notice]:
        if happened.generation <= told.generation:
            return []
        last = min(happened.generation - told.generation, MOST_CHANGES) + CONTEXT
        history = self._store.history(self._project.name, last)[::-1]
        self._scanned = int(history[-1]["generation"]) if history else 0
        return notice.of_history(self._project, history, told.generation)

    def _of_alarms(self, told: Told, happened: Happened) -> list[Notice]:
        if self._project.name == EVERYTHING or not self._wants("alarm"):
            return []
        return notice.of_alarms(self._project.name, happened.alarms, told.ci, told.since)

    def _wants(self, *events: str) -> bool:
        return not self._target.events or bool(set(events) & set(self._target.events))

    def _hosts(self, one: Notice) -> Sequence[str]:
        if not one.began:
            return ()
        record = self._store.json(rollout_key(one.project, one.began), RolloutRecord)
        return sorted((record or {}).get("hosts") or {})

    def _link(self, one: Notice) -> str:
        if one.build:
            return links.of_build(self._settings, self._project, one.build)
        return links.of_execution(self._settings, one.execution)

    def _send(self, lines: Sequence[str], link: str, identifier: str) -> None:
        target = self._target
        if target.to == WEBHOOK:
            webhook.post(target.url_file, lines, link)
        elif target.to == MAIL:
            mail.send(target, lines, link, identifier)
        elif target.to == CHATOPS:
            StackStorm().say(target.route, target.channel, "\n".join([*lines, *([link] if link else [])]))


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
    if not settings.notices:
        return
    for project in (*settings.projects.values(), Project(EVERYTHING, "")):
        happened, targets = Happened(store, project.name), _targets(settings, project.name)
        if any(Notifier(settings, project, store, target).is_due(happened) for target in targets):
            yield Event(DUE, {"project": project.name}, "")


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
