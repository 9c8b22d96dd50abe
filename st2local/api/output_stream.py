"""What one execution prints, live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread

from st2local.api import live
from st2local.assembly import Engine
from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.values import Values

PRINTED = "st2.execution.output__create"
END = "event: EOF\ndata: ''\n\n"
CLOSING = (*statuses.COMPLETED, statuses.PAUSING, statuses.RESUMING)


def piece(execution: Execution, kind: str, timestamp: str, text: str) -> Values:
    """Return a piece of what an execution printed, as the API shows it."""
    return {
        "execution_id": execution.id, "action_ref": execution.action, "runner_ref": execution.runner,
        "timestamp": timestamp, "output_type": kind, "data": text,
    }  # fmt: skip


class Output:
    """One client of an execution's output: it gets each piece once, what was before it came included."""

    def __init__(self, engine: Engine, execution: Execution, kind: str | None) -> None:
        self._executions, self._execution, self._kind = engine.executions, execution, kind
        self._sent, self._ended = 0, False

    async def follow(self, arriving: live.Arriving) -> AsyncIterator[str]:
        """Yield what is printed, and the end after the last piece."""
        yield await to_thread.run_sync(self._unsent)
        while not self._ended:
            try:
                event = await anext(arriving)
            except StopAsyncIteration:
                return
            if event is None:
                yield live.SIGN_OF_LIFE
            elif self._concerns(*event):
                yield await to_thread.run_sync(self._unsent)
        yield END

    def _concerns(self, _name: str, body: Any) -> bool:
        execution = body[0] if isinstance(body, tuple) else body
        return isinstance(execution, Execution) and execution.id == self._execution.id

    def _unsent(self) -> str:
        # The status first: what was printed before the end is then among the pieces.
        self._ended = self._executions.status(self._execution.id) in CLOSING
        rows = self._executions.output(self._execution.id, self._kind, after=self._sent)
        self._sent = rows[-1]["number"] if rows else self._sent
        pieces = (piece(self._execution, row["kind"], row["timestamp"], row["data"]) for row in rows)
        return "".join(live.text(PRINTED, one) for one in pieces)
