"""The side of the gateway that new machines see: they show a token, and get what it is good for, once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway import body, joins
from gateway.audit import Audit, Decision
from gateway.body import BodyError
from gateway.config import Config
from gateway.joins import AwayError, Caller, Joins, NotGoodError


class JoinDoor:
    """Answers `/join`, and `/join/failed`, where a machine says what went wrong."""

    def __init__(self, config: Config, audit: Audit) -> None:
        self._audit = audit
        self._reader = body.Reader()
        self._seconds = config.read_seconds
        self._joins = Joins(config.consul)
        self.start, self.stop = self._joins.start, self._joins.stop

    def reload(self, config: Config) -> None:
        """Ask the Consul of *config* from now on."""
        self._joins.reload(config.consul)

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered here."""
        return [web.post("/join", self.join), web.post("/join/failed", self.failed)]

    async def join(self, request: web.Request) -> web.Response:
        """Give a machine what is sealed for it."""
        caller = await self._caller(request, joins.joining)
        if isinstance(caller, web.Response):
            return caller
        try:
            sealed = await self._joins.take(caller)
        except (NotGoodError, AwayError) as error:
            return self._refused(error)
        self._record("accepted", f"a machine joined from {caller.said['address']}")
        return web.json_response({"sealed": sealed})

    async def failed(self, request: web.Request) -> web.Response:
        """Keep what a machine failed at."""
        caller = await self._caller(request, joins.failing)
        if isinstance(caller, web.Response):
            return caller
        try:
            await self._joins.note_failure(caller)
        except (NotGoodError, AwayError) as error:
            return self._refused(error)
        return self._answer("accepted", "a machine said what went wrong", 202)

    async def _caller(self, request: web.Request, read: Callable[[Any], Caller]) -> Caller | web.Response:
        if not self._joins.is_configured:
            return self._answer("refused", "no consul is configured", 404)
        try:
            return read(body.parse(await self._reader.receive(request, self._seconds)))
        except BodyError as error:
            return self._answer("refused", str(error), error.status)
        except ValueError:
            return self._answer("refused", joins.UNREADABLE, 400)

    def _refused(self, error: NotGoodError | AwayError) -> web.Response:
        if isinstance(error, NotGoodError):
            return self._answer("refused", str(error), 403)
        return self._answer("failed", str(error), 503)

    def _answer(self, decision: str, reason: str, status: int) -> web.Response:
        self._record(decision, reason)
        return web.json_response({"decision": decision, "reason": reason}, status=status)

    def _record(self, decision: str, reason: str) -> None:
        self._audit.record(Decision("join", f"gateway-{uuid.uuid4()}", decision, reason))
