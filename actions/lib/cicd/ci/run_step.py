"""One step of a commit's run, recorded beside the run while it is done."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Callable, Mapping

from cicd.ci import progress, step_times
from cicd.ci.runs import Runs
from cicd.clients.stackstorm import own_execution
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.release import stop
from cicd.repository.package_records import Ledger
from cicd.store.store import Store

Work = Callable[[], Mapping[str, object]]


class RecordedStep:
    """*step* of the run of *commit* of *project*; without a commit there is nothing to record."""

    def __init__(self, store: Store, project: str, commit: str, step: str) -> None:
        self._store, self._project, self._commit, self._step = store, project, commit, step

    def record(self, work: Work) -> Mapping[str, object]:
        """Do *work*; that it began, its end and its failure are recorded, and none of that can fail it."""
        began = time.time()
        self._note(lambda: progress.began(self._store, self._project, self._commit, self._step, began))
        try:
            done = work()
        except CicdError as error:
            ended = stop.of(self._step, error, own_execution(), time.time())
            self._note(lambda: progress.stopped(self._store, self._project, self._commit, ended))
            self.took(began)
            raise
        if self._step == progress.PUBLISH:
            version = str(done["version"])
            self._note(
                lambda: progress.published(self._store, self._project, self._commit, version, time.time())
            )
        self.took(began)
        return done

    def took(self, began: float, is_later_ring: bool = False) -> None:
        """Record that it took from *began* until now, on a later ring or the first; that cannot fail it."""
        took = step_times.between(began, time.time(), own_execution())
        at = (self._store, self._project, self._commit, self._step)
        self._note(lambda: progress.ended(*at, took, is_later_ring))

    def _note(self, write: Callable[[], None]) -> None:
        if self._commit:
            with suppress(CicdError):
                write()


def of(settings: Settings, parameters: Mapping[str, object], step: str) -> RecordedStep:
    """Return *step* of the run that *parameters* name by commit, or by a version that it just published."""
    store, project = Ledger(settings), str(parameters["project"])
    commit = str(parameters.get("commit") or "")
    if not commit:
        with suppress(CicdError):
            commit = _on_its_way(store, project, str(parameters["version"]))
    return RecordedStep(store, project, commit, step)


def _on_its_way(ledger: Ledger, project: str, version: str) -> str:
    """A person who deploys an older version says nothing of the run that published it."""
    commit = str((ledger.find(project, version) or {}).get("commit", ""))
    run = Runs(ledger, project).find(commit) if commit else None
    stopped_at = run.stop.step if run and run.stop else ""
    waits = run and (run.step == progress.PUBLISHED or stopped_at == progress.ADVERTISE)
    return commit if waits else ""
