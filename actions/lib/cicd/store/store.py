"""Consul: the record of releases, changed by compare-and-set, and the hosts it knows."""

from __future__ import annotations

import json
import random
import time
import uuid
from dataclasses import replace
from typing import Callable, Iterable, Iterator, Mapping, Sequence, Type, cast

import requests

from cicd.clients.consul import D, Item, Items, Operation, removed, set_, text
from cicd.config import Project, Settings
from cicd.errors import ConsulError
from cicd.release import host_report, record, traffic, wanted
from cicd.release.host_report import Reports
from cicd.release.record import EVERYTHING, Cause
from cicd.release.stored import HistoryEntry, StoredRelease
from cicd.release.traffic import Traffic
from cicd.release.transitions import Release, Ring
from cicd.store import snapshot
from cicd.store.archive import Archive, Kind
from cicd.store.catalog import Catalog
from cicd.store.change import Change, Command, Decide, unfenced
from cicd.store.deploy_lock import Fence
from cicd.store.elsewhere import Elsewhere
from cicd.store.snapshot import Look, Snapshot, release_key

ATTEMPTS = 10
FOLDED_AT_ONCE = 100  # changes in one value of the archive
CHANGES_ALONE = 200  # the newest changes, each a key of its own
CHANGES = Kind("history", HistoryEntry, lambda name: int(name) // FOLDED_AT_ONCE)
NO_ITEMS: Items = {}
UPDATE_ATTEMPTS = 50  # a burst of pushes writes one document


class Store(Catalog):
    """What the pack reads from and writes to Consul: the record in one datacentre, copies in others."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.elsewhere = Elsewhere(settings, self._record)

    def release(self, project: str) -> Release:
        """Return the release of *project*; a new, empty one when none is recorded."""
        return self._record(self._project(project)).release

    def look(self, at: Look) -> Snapshot:
        """Return what is known now; the keys are as they were at one moment, but for `more`."""
        items = self.read(snapshot.places(at))
        hosts = self.health(at.project) if at.hosts else []
        names = [host.name for host in hosts]
        elsewhere = self.elsewhere.look(at.project, at.reports, names) if at.hosts else []
        seen = snapshot.of(self._settings, at.project, items, hosts, time.time(), elsewhere)
        more = at.more(seen.release)
        if not more:
            return seen
        both = {**self.read(more), **items}
        return snapshot.of(self._settings, at.project, both, hosts, seen.now, elsewhere)

    def apply(
        self,
        at: Look,
        ring: str,
        command: Command,
        cause: Cause,
        fence: Fence = unfenced,
        seen: Snapshot | None = None,
    ) -> Change:
        """
        Apply *command*, which gives its own reason to *cause*, to what is known of a project.

        Record, contract keys, wanted documents and history are written in one transaction, with what
        *fence* adds. When another writer was faster, the command decides again on what that left; its
        refusals pass through, with nothing written. *seen* was read a moment ago, if anything was.
        """
        for _ in range(ATTEMPTS):
            before = seen or self.look(at)
            change = command(before)
            entry = _entry(before.release, change, ring, cause)
            operations = [*before.unmoved, *fence(change.release), *change.also]
            if self._write([*operations, *self._operations(change.release, entry)], change.release, entry):
                self.tidy(at.project.name, change.release.generation)
                self.elsewhere.copy_everywhere(at.project)
                return change
            seen = None
        raise ConsulError(
            f"The release of {at.project.name} kept changing while this change was decided "
            f"({ATTEMPTS} tries).",
            "Another deploy is busy; try again when it has ended.",
        )

    def change(
        self, project: str, what: str, ring: str, cause: Cause, decide: Decide, fence: Fence = unfenced
    ) -> Release:
        """Apply *decide*, which needs nothing but the record, as *what* with its *cause*; see apply."""
        at = Look(self._project(project), hosts=False)

        def command(seen: Snapshot) -> Change:
            return Change(decide(seen.release), what, cause.why)

        return self.apply(at, ring, command, cause, fence).release

    def amend(self, seen: Snapshot, after: Release, also: Sequence[Operation] = ()) -> bool:
        """
        Write *after*, with *also*, in place of the record that was *seen*, if nothing changed meanwhile.

        It is for what is found out, and nobody does: neither its generation nor its history grows.
        """
        return self.commit([*seen.unmoved, _recorded(after), *also])

    def refresh(self, project: str) -> bool:
        """
        Write again what holds on every project, a clock that was set back, or somebody else made wrong.

        Return whether anything was.
        """
        seen, stale = self._stale(project)
        written = bool(stale) and self.commit([*seen.unmoved, *stale])
        return self.elsewhere.copy_everywhere(seen.project) or written

    def is_stale(self, project: str) -> bool:
        """Whether refresh would write anything, as far as can be seen now."""
        seen, stale = self._stale(project)
        return bool(stale) or self.elsewhere.is_late(seen.project)

    def _stale(self, project: str) -> tuple[Snapshot, list[Operation]]:
        seen = self.look(Look(self._project(project), hosts=False, keys=[traffic.key(project)]))
        known = record.not_ahead(seen.release, seen.now)
        stale = [
            set_(key, said)
            for key, said in {**self._documents(known), **_traffic(known, seen.items)}.items()
            if known.generation and text(seen.items, key) != said
        ]
        return seen, [*stale, _recorded(known)] if known != seen.release else stale

    def catalog_of(self, project: Project, ring: str) -> Catalog:
        """Return where the hosts of *ring* are found."""
        datacenter = project.lifecycle.stage(ring).datacenter
        return self.elsewhere.catalog(datacenter) if datacenter else self

    def history(self, project: str, last: int) -> list[HistoryEntry]:
        """Return the *last* history entries of *project*, newest first; each change has one."""
        names = [_number(one) for one in newest_first(self.generation(project), last)]
        return self.changes(project).several(names)

    def changes(self, project: str) -> Archive[HistoryEntry]:
        """Return the whole history of *project*."""
        return Archive(self, project, CHANGES)

    def fold(self, project: str, most: int) -> None:
        """Fold the oldest changes beyond those that are kept as keys, *most* of them."""
        changes = self.changes(project)
        changes.fold(sorted(changes.alone(), key=int)[:-CHANGES_ALONE][:most])

    def tidy(self, project: str, generation: int) -> None:
        """Fold old changes now and then; when Consul is away, the next time."""
        if generation % FOLDED_AT_ONCE == 0:
            try:
                self.fold(project, 10 * FOLDED_AT_ONCE)
            except ConsulError:
                return

    def reports(self, project: str) -> Reports:
        """Return what each host last reported about *project*, by node."""
        found = self.below(host_report.prefix(project), host_report.Stored)
        return {key.rpartition("/")[2]: host_report.parse(stored) for key, stored in found.items()}

    def update(self, key: str, change: Callable[[D], D]) -> tuple[D, D]:
        """
        Apply *change* to the document *key* by compare-and-set; return it before and after.

        Where there is none it is empty before.
        """
        for _ in range(UPDATE_ATTEMPTS):
            item = self.item(key)
            before = cast(D, dict(json.loads(item["Value"])) if item else {})
            after, index = change(before), item["ModifyIndex"] if item else 0
            if after == before or self._put(key, after, index):
                return before, after
            time.sleep(random.uniform(0, 0.1))
        raise ConsulError(f"The key {key} kept changing ({UPDATE_ATTEMPTS} tries).", "Try again.")

    def put(self, key: str, document: Mapping[str, object]) -> None:
        """Write *document* to *key*, whatever was there."""
        self.ask(lambda c: c.kv.put(key, json.dumps(document)))

    def delete(self, key: str) -> None:
        """Remove *key*."""
        self.ask(lambda c: c.kv.delete(key))

    def below(self, prefix: str, shape: Type[D]) -> dict[str, D]:
        """Return the documents below *prefix*, which were written in *shape*, by key."""
        return dict(_documents(self.items(prefix), shape))

    def by_change(self, prefix: str, shape: Type[D]) -> list[tuple[str, D]]:
        """Return the keys below *prefix* with their documents, those that changed last at the end."""
        return list(_documents(sorted(self.items(prefix), key=lambda item: item["ModifyIndex"]), shape))

    def _record(self, project: Project) -> Snapshot:
        return self.look(Look(project, hosts=False))

    def _project(self, name: str) -> Project:
        return Project(EVERYTHING, "") if name == EVERYTHING else self._settings.project(name)

    def generation(self, project: str) -> int:
        """Return the generation of *project*'s record, which is that of its newest change; 0 without any."""
        try:
            return int((self.json(release_key(project), StoredRelease) or {}).get("generation", 0))
        except (TypeError, ValueError):  # history is what an unreadable record is repaired from
            keys = self.ask(lambda c: c.kv.get(f"cicd/{project}/history/", keys=True)[1]) or [""]
            return int(max(keys).rpartition("/")[2] or 0)

    def _write(self, operations: list[Operation], after: Release, entry: HistoryEntry) -> bool:
        try:
            return self.commit(operations)
        except ConsulError as error:
            if not isinstance(error.__cause__, requests.RequestException):
                raise
            return self._was_written(after, entry, error)

    def _was_written(self, after: Release, entry: HistoryEntry, error: ConsulError) -> bool:
        """The answer to a write got lost: look whether it was made."""
        try:
            found = self.json(_history_key(after.project, after.generation), HistoryEntry)
        except ConsulError:
            raise ConsulError(
                f"{error.message} Whether {entry['what']} of {after.project} was written is not known; "
                "it is written as a whole or not at all.",
                f"When Consul is back: st2 run cicd.get_release project={after.project}",
            ) from error
        if found and found.get("id") == entry["id"]:
            return True
        raise error

    def _operations(self, after: Release, entry: HistoryEntry) -> list[Operation]:
        project = after.project
        written = [
            _recorded(after),
            set_(_history_key(project, after.generation), json.dumps(entry, sort_keys=True)),
        ]
        if project == EVERYTHING:
            return written
        return [
            *written,
            *self._contract_keys(after),
            # All, since a hold concerns all; a value that stays wakes no host.
            *(set_(key, text) for key, text in {**self._documents(after), **_traffic(after)}.items()),
        ]

    def _contract_keys(self, known: Release) -> Iterator[Operation]:
        """Of a ring to which nothing ever came the key stays: another ring may have had it before."""
        for ring, key in self._version_keys(known.project).items():
            if known.ring(ring).generation:
                yield _contract(key, known.ring(ring))

    def _documents(self, known: Release) -> dict[str, str]:
        return wanted.documents(known, "", self._settings.drift.silent_seconds)

    def _version_keys(self, project: str) -> Mapping[str, str]:
        return self._settings.version_keys(self._project(project))


def _entry(before: Release, change: Change, ring: str, cause: Cause) -> HistoryEntry:
    known = record.audit(before, change.release, change.what, ring, replace(cause, why=change.why))
    return {**known, "id": uuid.uuid4().hex}


def _history_key(project: str, generation: int) -> str:
    return f"cicd/{project}/history/{_number(generation)}"


def newest_first(newest: int, last: int) -> range:
    """Return the generations of the *last* changes up to the *newest*."""
    return range(newest, max(0, newest - last), -1)


def change_places(project: str, generations: Iterable[int]) -> list[str]:
    """Return what must be read to know the changes to *generations*."""
    return [place for one in generations for place in CHANGES.places(project, _number(one))]


def change_to(items: Items, project: str, generation: int) -> HistoryEntry | None:
    """Return the change to *generation* among *items*, which were read at its places; or None."""
    return CHANGES.find(items, project, _number(generation))


def _number(generation: int) -> str:
    return f"{generation:08d}"


def _documents(items: Iterable[Item], _: Type[D]) -> Iterator[tuple[str, D]]:
    for item in items:
        yield item["Key"], cast(D, json.loads(item["Value"]))


def _recorded(after: Release) -> Operation:
    return set_(release_key(after.project), json.dumps(record.to_json(after), sort_keys=True))


def _traffic(after: Release, items: Items = NO_ITEMS) -> Mapping[str, str]:
    """
    Return what load balancers read, where anybody ever wanted a share: elsewhere no right to write is needed.

    By *items*, which were read, the share of a ring that is the canary no longer is to end.
    """
    key, known = traffic.key(after.project), after.canary.traffic
    if not known and key in items and traffic.shared([(key, items[key]["Value"])]):
        known = Traffic(after.generation, None, 0.0)
    return {key: json.dumps(traffic.wanted(known), sort_keys=True)} if known else {}


def _contract(key: str, ring: Ring) -> Operation:
    return set_(key, ring.wanted.version) if ring.wanted else removed(key)
