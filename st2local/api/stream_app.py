"""The stream service: what happens, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from st2local import clock
from st2local.api.app import fault, guarded, identify
from st2local.api.execution_document import document
from st2local.assembly import Engine
from st2local.engine import statuses
from st2local.engine.execution import Execution
from st2local.errors import AuthError
from st2local.stream import Event, Events

DEFAULT_EVENTS = ("st2.execution__create", "st2.execution__update", "st2.execution__delete")
KEEP_ALIVE_SECONDS = 25


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

    def missed(self) -> str:
        """Return the last event when it was before this client came; else it would wait for ever."""
        name, identifier = self._end
        execution = self._engine.executions.find(identifier) if name and identifier else None
        return self.text(name, execution) if execution is not None and execution.completed else ""

    def text(self, name: str, body: Any) -> str:
        """Return an event as the protocol wants it."""
        return f"event: {name}\ndata: {json.dumps(self._data(name, body))}\n\n"

    def _data(self, name: str, body: Any) -> Any:
        if isinstance(body, Execution):
            children = [one.id for one in self._engine.executions.children(body.id, results=False)]
            return document(self._engine, body, children)
        if name == "st2.execution.output__create":
            execution, kind, text = body
            return {
                "execution_id": execution.id, "action_ref": execution.action, "runner_ref": execution.runner,
                "timestamp": clock.now(), "output_type": kind, "data": text,
            }  # fmt: skip
        return body


def _execution(body: Any) -> Execution | None:
    if isinstance(body, tuple):
        body = body[0]
    return body if isinstance(body, Execution) else None


def _is_known(engine: Engine, request: Request) -> bool:
    """Return whether who listens may still: a token may have ended or been revoked."""
    try:
        identify(engine, request)
    except AuthError:
        return False
    return True


def build(engine: Engine) -> Starlette:
    """Return the service."""

    async def stream(request: Request) -> Response:
        try:
            identify(engine, request)
        except AuthError as error:
            return fault(error.status, str(error))
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        listener = Listener(engine, request.query_params)
        events = engine.stream.listen()
        return StreamingResponse(
            _follow(engine, listener, events, request), headers=headers, media_type="text/event-stream"
        )

    paths = [f"{prefix}/stream{end}" for prefix in ("/v1", "", "/stream/v1") for end in ("", "/")]
    return guarded(engine, [Route(path, stream, methods=["GET"]) for path in paths])


async def _follow(engine: Engine, listener: Listener, events: Events, request: Request) -> AsyncIterator[str]:
    try:
        yield "\n"
        last = await to_thread.run_sync(listener.missed)
        if last:
            yield last
            return
        async for event in _arriving(events):
            if event is None:
                yield "\n"
                continue
            if not await to_thread.run_sync(_is_known, engine, request):
                return
            if listener.wants(*event):
                yield await to_thread.run_sync(listener.text, *event)
            if listener.ends(*event):
                return
    finally:
        engine.stream.leave(events)


async def _arriving(events: Events) -> AsyncIterator[Event | None]:
    """Yield each event as it comes, and None when it is time for a sign of life."""
    while True:
        try:
            event = await asyncio.wait_for(events.next(), KEEP_ALIVE_SECONDS)
        except TimeoutError:
            yield None
            continue
        if event is None:
            return
        yield event
