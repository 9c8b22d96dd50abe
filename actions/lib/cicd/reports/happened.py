"""What happened to a project that people may be told of, each part read once."""

from __future__ import annotations

from functools import cached_property
from typing import Mapping

from cicd.ci.event_log import ALARMS, Entry
from cicd.ci.run import Run
from cicd.ci.runs import Runs
from cicd.fleet import drift_log
from cicd.fleet.drift_log import Recorded, Standing
from cicd.repository import signing_keys
from cicd.store.store import Store


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

    @cached_property
    def drift(self) -> Mapping[str, Standing]:
        """The drift of its hosts, by its key."""
        return (self._store.json(drift_log.place(self._project), Recorded) or {}).get("drift") or {}

    @cached_property
    def keys(self) -> Mapping[str, float]:
        """When each key that signs the repository expires."""
        return signing_keys.known(self._store)
