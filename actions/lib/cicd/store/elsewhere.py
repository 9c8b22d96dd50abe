"""The other Consul datacentres that rings are in: each asked by itself, so that none troubles another."""

from __future__ import annotations

import time
from typing import Callable, Dict, List, Sequence, Tuple

from cicd.config import Project, Settings
from cicd.errors import ConsulError, Refused
from cicd.store import copies, datacenter
from cicd.store.catalog import Catalog
from cicd.store.datacenter import Datacenter
from cicd.store.snapshot import Snapshot

QUIET_SECONDS = 10  # for so long a datacentre that did not answer is not asked again
PATIENT_SECONDS = 20  # for so long a deploy waits for a datacentre that does not answer
ATTEMPTS = 10


class Elsewhere:
    """What is asked of other datacentres, and written there; *record* reads what is wanted of a project."""

    def __init__(self, settings: Settings, record: Callable[[Project], Snapshot]) -> None:
        self._settings, self._record = settings, record
        self._catalogs: Dict[str, Catalog] = {}
        self._failures: Dict[str, Tuple[str, float]] = {}

    def catalog(self, name: str) -> Catalog:
        """Return the connection by which the datacentre *name* is asked."""
        if name not in self._catalogs:
            self._catalogs[name] = Catalog(self._settings, name)
        return self._catalogs[name]

    def look(self, project: Project, reports: bool, names: Sequence[str]) -> List[Datacenter]:
        """Return what each datacentre has of *project*; *names* are those of its hosts beside the record."""
        known, found = set(names), []
        for name in project.lifecycle.datacenters:
            one = datacenter.apart(self._seen(project, name, reports), known, project.name)
            known.update(host.name for host in one.hosts)
            found.append(one)
        return found

    def copy(self, project: Project, name: str) -> bool:
        """
        Let the datacentre have what its rings are wanted to run; return whether it had not.

        ConsulError when it cannot be written, Refused when what it has is of a later generation. The record
        is read after what is there: whoever was faster wrote nothing newer, or this fails and looks again.
        """
        there, keys = self.catalog(name), datacenter.places(self._settings, project, name, reports=False)
        for _ in range(ATTEMPTS):
            found = there.read(keys)
            wanted = copies.of(self._record(project), name)
            wanted.refuse_older(found)
            operations = wanted.operations(found)
            if not operations or there.commit(operations):
                return bool(operations)
        raise ConsulError(f"Others kept writing to datacentre {name} ({ATTEMPTS} tries).", "Try again.")

    def deliver(self, project: Project, name: str) -> None:
        """Let the datacentre have what its rings are wanted to run, as soon as it answers; see copy."""
        deadline = time.monotonic() + PATIENT_SECONDS
        while True:
            try:
                self.copy(project, name)
                return
            except ConsulError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def copy_everywhere(self, project: Project) -> bool:
        """
        Let every datacentre have what its rings are wanted to run; return whether one had not.

        One that cannot be written gets it by the next minute's try, and is reported as drift until then.
        """
        return any([self._copied(project, name) for name in project.lifecycle.datacenters])

    def is_late(self, project: Project) -> bool:
        """Whether a datacentre that can be asked has not what its rings are wanted to run."""
        return any(self._is_late(project, name) for name in project.lifecycle.datacenters)

    def _is_late(self, project: Project, name: str) -> bool:
        if self._failure(name):
            return False
        try:
            found = self.catalog(name).read(datacenter.places(self._settings, project, name, reports=False))
        except ConsulError as error:
            self._fails(name, error)
            return False
        return bool(copies.of(self._record(project), name).operations(found))

    def _copied(self, project: Project, name: str) -> bool:
        if self._failure(name):
            return False
        try:
            return self.copy(project, name)
        except Refused:
            return False
        except ConsulError as error:
            self._fails(name, error)
            return False

    def _seen(self, project: Project, name: str, reports: bool) -> Datacenter:
        if self._failure(name):
            return Datacenter(name, failure=self._failure(name))
        there, keys = self.catalog(name), datacenter.places(self._settings, project, name, reports)
        try:
            return Datacenter(name, there.read(keys), there.health(project))
        except ConsulError as error:
            return Datacenter(name, failure=self._fails(name, error))

    def _failure(self, name: str) -> str:
        why, since = self._failures.get(name, ("", 0.0))
        return why if time.monotonic() - since < QUIET_SECONDS else ""

    def _fails(self, name: str, error: ConsulError) -> str:
        why = error.message.rstrip(".")
        self._failures[name] = why, time.monotonic()
        return why
