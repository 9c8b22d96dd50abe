"""Changes to the spool, gathered: those that come while the disk is busy share the next fsync."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.spool import Spool

Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Writer:
    """The one thread that changes the spool."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._jobs: list[Job] = []
        self._work: asyncio.Task[None] | None = None

    async def do(self, change: Callable[[], Any]) -> Any:
        """Make *change* and return its result once it is on disk; sqlite3.Error when it cannot be."""
        done = asyncio.get_running_loop().create_future()
        self._jobs.append((change, done))
        if self._work is None:
            self._work = asyncio.create_task(self._work_off())
        return await done

    async def close(self) -> None:
        """Finish what has been asked for and end the thread."""
        if self._work:
            await self._work
        self._thread.shutdown()

    async def _work_off(self) -> None:
        while self._jobs:
            jobs, self._jobs = self._jobs, []
            await self._commit(jobs)
        self._work = None

    async def _commit(self, jobs: list[Job]) -> None:
        changes = [change for change, _ in jobs]
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._thread, self._spool.together, changes)
        except Exception as error:
            _answer(jobs, asyncio.Future.set_exception, [error] * len(jobs))
        else:
            _answer(jobs, asyncio.Future.set_result, results)


def _answer(jobs: list[Job], answer: Callable[[asyncio.Future[Any], Any], None], values: list[Any]) -> None:
    for (_, done), value in zip(jobs, values, strict=True):
        if not done.done():
            answer(done, value)
