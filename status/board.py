"""What is known of all projects now, read anew when Consul says that something changed."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from cicd.config import Project, Settings
from cicd.errors import CicdError
from cicd.reports import overview
from cicd.store.store import Store
from status import view
from status.counts import Counts
from status.tally import Tally
from status.view import ProjectView, RunView
from status.watch import Watch

PAUSE_SECONDS = 0.5  # between two readings, so that a page changes at most twice a second
AGE_SECONDS = 30  # after which all is read anew, for ages and new hosts
T = TypeVar("T")


class Board:
    """
    The view of each project, and what its history counts up to.

    `revision` grows with each change, `trouble` is why a view may be old.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._views: dict[str, ProjectView] = {}
        self._troubles = {name: f"{one.message} {one.hint}" for name, one in settings.unusable.items()}
        self._counts = Counts(settings)
        self.tallies: dict[str, Tally] = {}
        self._waiting = set(settings.projects)
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._thread = ThreadPoolExecutor(1)  # a connection to Consul is for one thread
        self.revision = 0

    @property
    def views(self) -> list[ProjectView]:
        """What is known, in the order of the configuration."""
        return [self._views[name] for name in self._settings.projects if name in self._views]

    @property
    def trouble(self) -> str:
        """Why what is shown may be old; empty when it is not."""
        return next(iter(self._troubles.values()), "")

    def view(self, name: str) -> ProjectView | None:
        """Return what is known of the project *name*."""
        return self._views.get(name)

    async def run_of(self, name: str, commit: str) -> RunView | None:
        """Return the run of *commit* of the project *name*, also one that its view does not have any more."""
        shown = self._views.get(name)
        for run in shown["runs"] if shown else ():
            if run["commit"].startswith(commit):
                return run
        if shown is None:
            return None
        with suppress(CicdError, KeyError, TypeError, ValueError):  # then nothing is known of it
            return await self._in_thread(lambda: self._find(name, commit))
        return None

    def _find(self, name: str, commit: str) -> RunView | None:
        return view.run_of(overview.look(Store(self._settings), self._settings.projects[name]), commit)

    async def changed(self, since: int, limit: float) -> int:
        """Return the revision once it is not *since*, after *limit* seconds at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit), self._changed:
                await self._changed.wait_for(lambda: self.revision != since)
        return self.revision

    async def run(self) -> None:
        """Follow Consul until cancelled."""
        async with asyncio.TaskGroup() as tasks, Watch(self._settings) as watch:
            for question, names in watch.questions():
                tasks.create_task(watch.follow(question, self._marking(names)))
            for datacenter in watch.datacenters:
                tasks.create_task(watch.follow_health(datacenter, self._mark_services))
            await self._read()

    def _marking(self, names: set[str]) -> Callable[[bytes], None]:
        return lambda _: self._mark(names)

    def _mark(self, names: set[str]) -> None:
        self._waiting |= names
        if names:
            self._wake.set()

    def _mark_services(self, services: set[str]) -> None:
        projects = self._settings.projects.values()
        self._mark({one.name for one in projects if self._settings.service_name(one) in services})

    async def _read(self) -> None:
        store = await self._in_thread(lambda: Store(self._settings))
        while True:
            began, names = time.monotonic(), sorted(self._waiting)
            self._waiting.clear()
            for name in names:
                await self._read_one(store, name)
            if names:
                await self._tell()
            await asyncio.sleep(max(0.0, PAUSE_SECONDS - time.monotonic() + began))
            await self._wait()

    async def _read_one(self, store: Store, name: str) -> None:
        project = self._settings.projects[name]
        try:
            await self._in_thread(lambda: self._see(store, project))
            self._troubles.pop(name, None)
        except CicdError as error:
            self._note(name, f"{error.message} {error.hint}".strip())
        except (KeyError, TypeError, ValueError) as error:
            self._note(name, f"What Consul has of {name} cannot be shown: {type(error).__name__}: {error}.")

    def _see(self, store: Store, project: Project) -> None:
        seen = overview.look(store, project)
        self._views[project.name] = view.of(seen)
        self.tallies[project.name] = self._counts.follow(project.name, seen.release.generation, seen.now)

    def _note(self, name: str, why: str) -> None:
        if name not in self._troubles:
            sys.stderr.write(f"status: {name}: {why}\n")
        self._troubles[name] = why

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _tell(self) -> None:
        self.revision += 1
        async with self._changed:
            self._changed.notify_all()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(AGE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            self._waiting = set(self._settings.projects)
        self._wake.clear()
