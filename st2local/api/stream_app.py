"""The stream service: what happens, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from st2local import clock
from st2local.api import live
from st2local.api.app import fault, guarded, identify
from st2local.api.execution_document import document
from st2local.api.executions import find
from st2local.api.output_stream import PRINTED, Output, piece
from st2local.assembly import Engine
from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.errors import St2Error

DEFAULT_EVENTS = ("st2.execution__create", "st2.execution__update", "st2.execution__delete")


class Listener:
    """One client: which events it wants, and after which one it is done."""

    def __init__(self, engine: Engine, query: Any) -> None:
        self._engine = engine
        self._events = [one for one in (query.get("events") or "").split(",") if one]
        self._actions = [one for one in (query.get("action_refs") or "").split(",") if one]
        self._executions = [one for one in (query.get("execution_ids") or "").split(",") if one]
        self._end = (query.get("end_event"), query.get("end_execution_id"))

    def wants(self, name: str, body: Any) -> bool:
        """Tell whether an event is for this client."""
        if self._events:
            if name not in self._events:
                return False
        elif name not in DEFAULT_EVENTS and not name.startswith("st2.announcement__"):
            return False
        execution = _execution(body)
        if execution is None:
            return True
        fits = not self._actions or execution.action in self._actions
        return fits and (not self._executions or execution.id in self._executions)

    def ends(self, name: str, body: Any) -> bool:
        """Tell whether this was the last event for this client."""
        execution = _execution(body)
        return bool(
            execution and (name, execution.id) == self._end and execution.status in statuses.COMPLETED
        )

    async def follow(self, arriving: live.Arriving) -> AsyncIterator[str]:
        """Yield the events that this client wants, up to its last one."""
        last = await to_thread.run_sync(self._missed)
        if last:
            yield last
            return
        async for event in arriving:
            if event is None:
                yield live.SIGN_OF_LIFE
                continue
            if self.wants(*event):
                yield await to_thread.run_sync(self._text, *event)
            if self.ends(*event):
                return

    def _missed(self) -> str:
        """Return the last event when it was before this client came; else it would wait for ever."""
        name, identifier = self._end
        execution = self._engine.executions.find(identifier) if name and identifier else None
        return self._text(name, execution) if execution is not None and execution.completed else ""

    def _text(self, name: str, body: Any) -> str:
        return live.text(name, self._data(name, body))

    def _data(self, name: str, body: Any) -> Any:
        if isinstance(body, Execution):
            return document(self._engine, body)
        if name == PRINTED:
            execution, kind, text = body
            return piece(execution, kind, clock.now(), text)
        return body


def _execution(body: Any) -> Execution | None:
    if isinstance(body, tuple):
        body = body[0]
    return body if isinstance(body, Execution) else None


def build(engine: Engine) -> Starlette:
    """Return the service."""

    def follow(request: Request) -> live.Follow:
        if "id" in request.path_params:
            kind = request.query_params.get("output_type")
            return Output(engine, find(engine, request.path_params["id"]), kind).follow
        return Listener(engine, request.query_params).follow

    async def stream(request: Request) -> Response:
        try:
            identify(engine, request)
            return live.answer(engine, request, follow(request))
        except St2Error as error:
            return fault(error.status, str(error))

    paths = [
        f"{prefix}{path}{end}"
        for prefix in ("/v1", "", "/stream/v1")
        for path in ("/stream", "/executions/{id}/output")
        for end in ("", "/")
    ]
    return guarded(engine, [Route(path, stream, methods=["GET"]) for path in paths])
