"""Answers that go on: server-sent events, for as long as who listens may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from st2local.api.app import identify
from st2local.assembly import Engine
from st2local.errors import AuthError
from st2local.stream import Event, Events

KEEP_ALIVE_SECONDS = 25
SIGN_OF_LIFE = "\n"
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
Arriving = AsyncIterator[Event | None]
Follow = Callable[[Arriving], AsyncIterator[str]]


def text(name: str, data: Any) -> str:
    """Return an event as the protocol wants it."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def answer(engine: Engine, request: Request, follow: Follow) -> Response:
    """Answer with what *follow* makes of all that happens from now on."""
    events = engine.stream.listen()

    async def chunks() -> AsyncIterator[str]:
        try:
            yield SIGN_OF_LIFE
            async for chunk in follow(_arriving(engine, events, request)):
                yield chunk
        finally:
            engine.stream.leave(events)

    return StreamingResponse(chunks(), headers=HEADERS, media_type="text/event-stream")


async def _arriving(engine: Engine, events: Events, request: Request) -> Arriving:
    """Yield each event as it comes, and None when it is time for a sign of life."""
    while True:
        try:
            event = await asyncio.wait_for(events.next(), KEEP_ALIVE_SECONDS)
        except TimeoutError:
            yield None
            continue
        if event is None or not await to_thread.run_sync(_is_known, engine, request):
            return
        yield event


def _is_known(engine: Engine, request: Request) -> bool:
    """Return whether who listens may still: a token may have ended or been revoked."""
    try:
        identify(engine, request)
    except AuthError:
        return False
    return True
