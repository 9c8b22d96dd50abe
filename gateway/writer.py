"""Changes to the spool, gathered: those that come while the disk is busy share the next fsync."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from gateway.spool import Spool

BUSY_SECONDS = 5.0
LOOK_SECONDS = 0.02
MANY = 8
Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Writer:
    """
    The one that changes the spool.

    Changes are made in the event loop, which takes microseconds, and only the wait for the disk is in a
    thread: a thread of Python that shared the work would wait for the interpreter at each statement.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._jobs: list[Job] = []
        self._under_way = 0
        self._work: asyncio.Task[None] | None = None

    async def do(self, change: Callable[[], Any]) -> Any:
        """Make *change* and return its result once it is on disk; sqlite3.Error when it cannot be."""
        done = asyncio.get_running_loop().create_future()
        self._jobs.append((change, done))
        if self._work is None:
            self._work = asyncio.create_task(self._work_off())
        return await done

    @property
    def is_busy(self) -> bool:
        """Return whether many wait for the disk."""
        return len(self._jobs) + self._under_way >= MANY

    async def close(self) -> None:
        """Finish what has been asked for and end the thread."""
        if self._work:
            await self._work
        self._thread.shutdown()

    async def _work_off(self) -> None:
        while self._jobs:
            try:
                await self._begin()
            except sqlite3.Error as error:
                _fail(self._taken(), error)
            else:
                await self._commit(self._taken())
        self._work, self._under_way = None, 0

    def _taken(self) -> list[Job]:
        jobs, self._jobs = self._jobs, []
        self._under_way = len(jobs)
        return jobs

    async def _begin(self) -> None:
        # An operator may be looking at the spool with a tool that locks it.
        looks = int(BUSY_SECONDS / LOOK_SECONDS)
        for look in range(looks):
            try:
                return self._spool.begin()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or look == looks - 1:
                    raise
            await asyncio.sleep(LOOK_SECONDS)

    async def _commit(self, jobs: list[Job]) -> None:
        try:
            results = [change() for change, _ in jobs]
            await asyncio.get_running_loop().run_in_executor(self._thread, self._spool.commit)
        except Exception as error:
            with suppress(sqlite3.Error):
                self._spool.rollback()
            _fail(jobs, error)
        else:
            _answer(jobs, asyncio.Future.set_result, results)


def _fail(jobs: list[Job], error: Exception) -> None:
    _answer(jobs, asyncio.Future.set_exception, [error] * len(jobs))


def _answer(jobs: list[Job], answer: Callable[[asyncio.Future[Any], Any], None], values: list[Any]) -> None:
    for (_, done), value in zip(jobs, values, strict=True):
        if not done.done():
            answer(done, value)
