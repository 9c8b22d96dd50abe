"""The runs of one project, as they are kept in Consul."""

from __future__ import annotations

import time
from typing import Callable

from cicd.ci import run
from cicd.ci.run import Command, Run, StoredRun
from cicd.store.store import Store


class Runs:
    """How far each commit of *project* came."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    def find(self, commit: str) -> Run | None:
        """Return the run of *commit*, or None."""
        key = self._key(commit)
        document = self._store.json(key, StoredRun)
        return None if document is None else run.parse(key, document)

    def every(self) -> dict[str, Run]:
        """Return all runs, by commit."""
        found = self._store.below(self._key(""), StoredRun)
        return {key.rpartition("/")[2]: run.parse(key, document) for key, document in found.items()}

    def advance(self, commit: str, command: Command) -> bool:
        """
        Move the run of *commit* as *command* says; False, with nothing written, where it may not.

        Of two deliveries of one event, exactly one advances.
        """
        before, after = self._changed(commit, command)
        return before != after

    def update(self, commit: str, change: Callable[[Run], Run]) -> None:
        """Change what else is recorded; a run that is not there, or was forgotten, is not made."""
        self._changed(commit, lambda known: change(known) if known else None)

    def not_ahead(self, commit: str, known: Run) -> Run:
        """Return *known*; its time is recorded as now when it is far ahead, since the clock was set back."""
        near = run.not_ahead(known, time.time())
        if near != known:
            self.update(commit, lambda newer: run.not_ahead(newer, near.at))
        return near

    def _changed(self, commit: str, command: Command) -> tuple[StoredRun, StoredRun]:
        key = self._key(commit)

        def changed(document: StoredRun) -> StoredRun:
            after = command(run.parse(key, document) if document else None)
            return run.as_json(after) if after else document

        return self._store.update(key, changed)

    def _key(self, commit: str) -> str:
        return run.key(self._project, commit)
