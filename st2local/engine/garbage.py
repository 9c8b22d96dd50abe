"""The garbage collector: what ended long ago is removed, with everything under it."""

from __future__ import annotations

import logging
import threading

from st2local import clock
from st2local.database import Database
from st2local.engine import statuses

LOG = logging.getLogger(__name__)
EVERY_SECONDS = 600.0
DAY_SECONDS = 86400
AT_ONCE = 50  # roots in one transaction: whoever else writes waits for no more than that
ENDED = ", ".join(f"'{status}'" for status in statuses.COMPLETED)
TREE = """
WITH RECURSIVE tree (id) AS (
    SELECT value FROM json_each(?) UNION SELECT one.id FROM executions one JOIN tree ON one.parent = tree.id)
"""
# In this order: each is found by what the next ones remove.
OF_TREE = (
    "DELETE FROM tasks WHERE workflow IN (SELECT id FROM workflows WHERE execution IN tree)",
    "DELETE FROM workflows WHERE execution IN tree",
    "DELETE FROM output WHERE execution IN tree",
    "DELETE FROM executions WHERE id IN tree",
)
BY_TIME = (
    "DELETE FROM enforcements WHERE enforced_at < ?",
    "DELETE FROM trigger_instances WHERE occurrence_time < ? AND status != 'pending'",
    "DELETE FROM trace_components WHERE updated_at < ? AND object NOT IN (SELECT id FROM executions)",
    "DELETE FROM traces WHERE start_timestamp < ?"
    " AND NOT EXISTS (SELECT 1 FROM trace_components WHERE trace = traces.id)",
)


class Garbage:
    """Removes what is older than *days*, now and then, in one thread; with no days nothing ever goes."""

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._days = days
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="garbage", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the transaction that is under way."""
        self._stopped.set()
        self._thread.join()

    def collect(self, before: str) -> None:
        """Remove what ended before that moment, and give its room back to the disk."""
        while not self._stopped.is_set() and self._collect_some(before):
            pass
        for statement in BY_TIME:
            self._database.execute(statement, [before])
        self._database.shrink()

    def _run(self) -> None:
        while self._days and not self._stopped.is_set():
            try:
                self.collect(clock.later(-self._days * DAY_SECONDS))
            except Exception:
                LOG.exception("old executions could not be removed")
            self._stopped.wait(EVERY_SECONDS)

    def _collect_some(self, before: str) -> bool:
        found = self._database.rows(
            f"SELECT id FROM executions WHERE parent IS NULL AND start_timestamp < ? AND end_timestamp < ?"
            f" AND handled = 1 AND status IN ({ENDED}) ORDER BY start_timestamp LIMIT {AT_ONCE}",
            [before, before],
        )
        roots = "[" + ", ".join(f'"{row["id"]}"' for row in found) + "]"
        with self._database.transaction():
            for statement in OF_TREE:
                self._database.execute(f"{TREE} {statement}", [roots])
        return bool(found)
