"""
The gateway's HTTP side.

aiohttp, because it answered most signed pushes a second of the servers compared (docs/gateway.md),
and its client forwards in the same event loop.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TextIO

from aiohttp import web

from gateway import body, reduce
from gateway.audit import Audit, Decision
from gateway.body import BodyError
from gateway.config import Config
from gateway.forward import Forwarder
from gateway.metrics import exposition
from gateway.signature import is_signed, is_token
from gateway.spool import Spool
from gateway.writer import Writer

DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")
STOP_SECONDS = 5
TIDY_SECONDS = 24 * 3600


class Gateway:
    """One running gateway."""

    def __init__(self, config: Config, spool: Spool, writer: Writer, audit: Audit) -> None:
        self._config = config
        self._spool = spool
        self._writer = writer
        self._audit = audit
        self.forwarder = Forwarder(config, spool, writer, audit)

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=body.SIZE_LIMIT)
        application.add_routes(
            [
                web.post("/github", self.github),
                web.post("/jenkins", self.jenkins),
                web.post(r"/alarm/{source:[a-z0-9-]{1,40}}", self.alarm),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.metrics),
            ]
        )
        return application

    async def github(self, request: web.Request) -> web.Response:
        """Take a delivery of GitHub: its signature is checked over the raw bytes."""
        delivery = _delivery(request.headers.get("X-GitHub-Delivery"))
        try:
            raw = await body.receive(request, self._config.read_seconds)
        except BodyError as error:
            return self._answer(Decision("github", delivery, "refused", str(error)), error.status)
        if not is_signed(raw, request.headers.get("X-Hub-Signature-256"), self._config.github_secrets):
            return self._answer(Decision("github", delivery, "refused", "the signature does not fit"), 401)
        kind = request.headers.get("X-GitHub-Event", "")
        if kind == "ping":
            return self._answer(Decision("github", delivery, "answered", "ping"), 200)
        return await self._take("github", delivery, raw, reduce.push if kind == "push" else reduce.other)

    async def jenkins(self, request: web.Request) -> web.Response:
        """Take a callback of Jenkins' Notification plugin."""
        return await self._take_with_token("jenkins", request, reduce.jenkins)

    async def alarm(self, request: web.Request) -> web.Response:
        """Take an alarm of a monitoring system."""
        source = request.match_info["source"]
        return await self._take_with_token("alarm", request, functools.partial(reduce.alarm, source=source))

    async def healthz(self, request: web.Request) -> web.Response:
        """Say that the gateway runs and how many events wait."""
        return web.json_response({"status": "ok", "waiting": self._spool.counts().get("waiting", 0)})

    async def metrics(self, request: web.Request) -> web.Response:
        """Say in Prometheus' text format what was decided and what waits."""
        text = exposition(self._audit.counts, self._spool, self.forwarder.failures)
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _take_with_token(
        self, source: str, request: web.Request, read: Callable[[Any], reduce.Event]
    ) -> web.Response:
        delivery = _delivery(None)
        given = request.headers.get("X-Cicd-Token") or request.query.get("token")
        if not is_token(given, self._config.jenkins_token):
            return self._answer(Decision(source, delivery, "refused", "the token does not fit"), 401)
        try:
            raw = await body.receive(request, self._config.read_seconds)
        except BodyError as error:
            return self._answer(Decision(source, delivery, "refused", str(error)), error.status)
        return await self._take(source, delivery, raw, read)

    async def _take(
        self, source: str, delivery: str, raw: bytes, read: Callable[[Any], reduce.Event]
    ) -> web.Response:
        event = _event(raw, read)
        decided = functools.partial(
            Decision, source, delivery, repository=event.repository, commit=event.commit
        )
        try:
            change = functools.partial(self._spool.accept, source, delivery, event, raw)
            is_new = await self._writer.do(change)
        except sqlite3.Error:
            return self._answer(decided("failed", "the spool cannot be written"), 503)
        if event.ignored:
            return self._answer(decided("ignored", event.ignored), 202)
        if not is_new:
            return self._answer(decided("duplicate", "it is known already"), 202)
        self.forwarder.wake(event.lane)
        return self._answer(decided("accepted"), 202)

    def _answer(self, decision: Decision, status: int) -> web.Response:
        self._audit.record(decision)
        said = {"decision": decision.decision, "reason": decision.reason, "delivery": decision.delivery}
        return web.json_response(said, status=status)


@asynccontextmanager
async def running(config: Config, stream: TextIO) -> AsyncIterator[int]:
    """
    Serve within this context, with the audit lines on *stream*, and yield the port.

    SpoolError or OSError when it cannot start. Leaving it loses nothing.
    """
    spool = Spool(config.spool)
    writer = Writer(spool)
    tidying = asyncio.create_task(_tidy(spool, writer))
    try:
        gateway = Gateway(config, spool, writer, Audit(stream))
        async with _listening(gateway, config) as port:
            yield port
    finally:
        tidying.cancel()
        await writer.close()
        spool.close()


async def _tidy(spool: Spool, writer: Writer) -> None:
    while True:
        with suppress(sqlite3.Error):
            await writer.do(spool.forget)
        await asyncio.sleep(TIDY_SECONDS)


@asynccontextmanager
async def _listening(gateway: Gateway, config: Config) -> AsyncIterator[int]:
    # The signature is over what was sent, so nothing is unpacked; and who opens a connection and sends
    # no complete request is cut off as soon as one who is slow with a body.
    runner = web.AppRunner(
        gateway.application(),
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=config.read_seconds,
        lingering_time=config.read_seconds,
        shutdown_timeout=STOP_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, backlog=1024).start()
        await gateway.forwarder.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        await gateway.forwarder.stop()


def _event(raw: bytes, read: Callable[[Any], reduce.Event]) -> reduce.Event:
    try:
        return read(body.parse(raw))
    except ValueError as error:
        return reduce.Event({}, "", "", ignored=str(error))


def _delivery(given: str | None) -> str:
    return given if given and DELIVERY.fullmatch(given) else f"gateway-{uuid.uuid4()}"
