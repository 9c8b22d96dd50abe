"""Carries out executions: a pool of workers, and a clock for those that are to wait."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from st2local import clock, process
from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.engine.executions import Executions

LOG = logging.getLogger(__name__)
WORKERS = 60


class Scheduler:
    """Runs what is requested, in the order it came, as many at once as there are workers."""

    def __init__(self, executions: Executions, run: Callable[[str], None]) -> None:
        """Call *run* with the id of each execution that is due."""
        self._executions = executions
        self._run = run
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="runner")
        self._waiting: list[tuple[float, str]] = []  # by a clock that nobody sets
        self._changed = threading.Condition()
        self._stopping = False
        self._clock = threading.Thread(target=self._tick, name="scheduler", daemon=True)

    def left_over(self) -> list[Execution]:
        """Return what a former server left unfinished; to be asked before anything new begins."""
        unfinished = [*statuses.WAITING, statuses.RUNNING]
        marks = ", ".join("?" * len(unfinished))
        return self._executions.select(
            f"handled = 0 AND status IN ({marks})", unfinished, "start_timestamp, id", -1
        )

    def start(self, left_over: list[Execution]) -> None:
        """Begin, with what was left over."""
        self._clock.start()
        for execution in left_over:
            self._recover(execution)

    def _recover(self, execution: Execution) -> None:
        if execution.status == statuses.RUNNING:
            if "workflow_execution" in execution.context:
                return
            process.end_left_over(execution.process)
        self.submit(execution)

    def stop(self) -> None:
        """Take nothing more; what runs is left to the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._clock.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, execution: Execution) -> None:
        """Carry out an execution now, or when it is due."""
        wait = _seconds_left(execution)
        if wait > 0:
            self._note_delay(execution.id)
            with self._changed:
                heapq.heappush(self._waiting, (time.monotonic() + wait, execution.id))
                self._changed.notify()
        else:
            self._queue(execution.id)

    def _note_delay(self, identifier: str) -> None:
        execution = self._executions.get(identifier)
        if execution.status == statuses.REQUESTED:
            execution.set_status(statuses.DELAYED)
            self._executions.save(execution)

    def _queue(self, identifier: str) -> None:
        if not self._stopping:
            self._pool.submit(self._run_safely, identifier)

    def _tick(self) -> None:
        while not self._stopping:
            with self._changed:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, identifier = heapq.heappop(self._waiting)
            self._queue(identifier)

    def _run_safely(self, identifier: str) -> None:
        try:
            self._run(identifier)
        except Exception:
            if not self._stopping:
                LOG.exception("execution %s could not be carried out", identifier)


def _seconds_left(execution: Execution) -> float:
    """Return how long *execution* still waits; not longer than it was to, though the clock was set back."""
    if not execution.due:
        return 0.0
    asked = clock.parse(execution.due) - clock.parse(execution.start_timestamp)
    return min(asked.total_seconds(), -clock.seconds_since(execution.due))
