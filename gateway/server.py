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

from gateway import body, reduce, sns
from gateway.alarms.names import Names
from gateway.alarms.values import Table
from gateway.audit import Audit, Decision
from gateway.body import BodyError
from gateway.config import Caller, Config
from gateway.forward import Forwarder
from gateway.join_door import JoinDoor
from gateway.listen import Connections, listening
from gateway.metrics import exposition
from gateway.signature import is_signed, is_token, token_of
from gateway.slack.desk import Desk
from gateway.slack.door import Door
from gateway.spool import Spool
from gateway.writer import Writer

DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")
TIDY_SECONDS = 24 * 3600
UNSIGNED = "the signature does not fit"
READ = {"push": reduce.push, "workflow_run": reduce.workflow_run}
FOREIGN = "the signature is not made with a secret of this repository"


class Gateway:
    """One running gateway."""

    def __init__(self, config: Config, spool: Spool, writer: Writer, audit: Audit) -> None:
        self._config = config
        self._spool = spool
        self._writer = writer
        self._audit = audit
        self._reader = body.Reader()
        self.forwarder = Forwarder(config, spool, writer, audit)
        self.sns = sns.Sns()
        self.desk = Desk(config.api_url, config.slack)
        self.door = Door(spool, writer, self.desk)
        self.join_door = JoinDoor(config, audit)
        self.port = 0
        self.connections: Connections | None = None

    def reload(self, config: Config) -> None:
        """Trust and forward as *config* says from now on; where it listens and its spool stay."""
        self._config = config
        self.forwarder.reload(config)
        self.desk.reload(config.api_url, config.slack)
        self.join_door.reload(config)

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=body.SIZE_LIMIT)
        application.add_routes(
            [
                web.post("/github", self.github),
                web.post("/jenkins", self.jenkins),
                web.post(r"/alarm/{source:[a-z0-9][a-z0-9-]{0,39}}", self.alarm),
                web.post("/slack", self.slack),
                *self.join_door.routes(),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.metrics),
            ]
        )
        return application

    async def github(self, request: web.Request) -> web.Response:
        """Take a delivery of GitHub: its signature is checked over the raw bytes."""
        delivery = _delivery(request.headers.get("X-GitHub-Delivery"))
        signature = request.headers.get("X-Hub-Signature-256")
        kind = request.headers.get("X-GitHub-Event", "")
        try:
            raw = await self._reader.receive(request, self._config.read_seconds)
        except BodyError as error:
            return self._answer(Decision("github", delivery, "refused", str(error)), error.status)
        trusted = self._config.github
        if not is_signed(raw, signature, trusted.secrets):
            return self._answer(Decision("github", delivery, "refused", UNSIGNED), 401)
        read = functools.partial(READ[kind], site=trusted.url) if kind in READ else reduce.other
        event = _event(body.payload(raw, request.content_type), read)
        if trusted.own and not is_signed(raw, signature, trusted.secrets_of(event.repository)):
            return self._answer(Decision("github", delivery, "refused", FOREIGN, event.repository), 401)
        if kind == "ping":
            return self._answer(Decision("github", delivery, "answered", "ping", event.repository), 200)
        source = "github_run" if kind == "workflow_run" else "github"
        return await self._take(source, delivery, raw, event, request)

    async def jenkins(self, request: web.Request) -> web.Response:
        """Take a callback of Jenkins' Notification plugin."""
        caller = self._config.jenkins
        read = functools.partial(reduce.jenkins, site=caller.url)
        return await self._take_with_token("jenkins", request, caller, read)

    async def alarm(self, request: web.Request) -> web.Response:
        """Take the alarms in one call of a monitoring system, in whatever form it sends them."""
        raw = await self._shown_token("alarm", request, self._config.alarm)
        if isinstance(raw, web.Response):
            return raw
        try:
            sent = body.fields(raw, request.content_type)
        except ValueError as error:
            events = [reduce.unusable_alarm(str(error), request.match_info["source"])]
        else:
            if sns.is_message(sent) and (answer := await self._answer_to_sns(sent)):
                return answer
            events = _alarms(sent, request, self._config.alarm_names)
        assert self.connections, "set before the first request"
        with self.connections.answering(request):
            return await self._store_alarms(events, raw)

    async def slack(self, request: web.Request) -> web.Response:
        """Take the press of a button in Slack."""
        refused = functools.partial(Decision, "slack", _delivery(None), "refused")
        if not self._config.slack.secret:
            return self._answer(refused("no slack is configured"), 404)
        try:
            raw = await self._reader.receive(request, self._config.read_seconds)
        except BodyError as error:
            return self._answer(refused(str(error)), error.status)
        assert self.connections, "set before the first request"
        with self.connections.answering(request):
            taken = self.door.take(self._config.slack, request.headers, raw, request.content_type)
            return self._answer(*await taken)

    async def healthz(self, request: web.Request) -> web.Response:
        """Say that the gateway runs and how many events wait."""
        return web.json_response({"status": "ok", "waiting": self._spool.counts().get("waiting", 0)})

    async def metrics(self, request: web.Request) -> web.Response:
        """Say in Prometheus' text format what was decided and what waits."""
        closed = self.connections.closed if self.connections else 0
        text = exposition(self._audit.counts, self._spool, self.forwarder.failures, closed)
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _take_with_token(
        self, source: str, request: web.Request, caller: Caller, read: Callable[[Any], reduce.Event]
    ) -> web.Response:
        raw = await self._shown_token(source, request, caller)
        if isinstance(raw, web.Response):
            return raw
        return await self._take(source, _delivery(None), raw, _event(raw, read), request)

    async def _shown_token(self, source: str, request: web.Request, caller: Caller) -> bytes | web.Response:
        """Return the body of a request that shows the token of *caller*, or the answer that refuses it."""
        refused = functools.partial(Decision, source, _delivery(None), "refused")
        if not caller.is_at(request.remote):
            return self._answer(refused("the address may not call"), 403)
        if not is_token(token_of(request.headers, request.query), caller.token):
            return self._answer(refused("the token does not fit"), 401)
        try:
            return await self._reader.receive(request, self._config.read_seconds)
        except BodyError as error:
            return self._answer(refused(str(error)), error.status)

    async def _take(
        self, source: str, delivery: str, raw: bytes, event: reduce.Event, request: web.Request
    ) -> web.Response:
        assert self.connections, "set before the first request"
        with self.connections.answering(request):
            return await self._store(source, delivery, raw, event)

    async def _store(self, source: str, delivery: str, raw: bytes, event: reduce.Event) -> web.Response:
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

    async def _answer_to_sns(self, message: Table) -> web.Response | None:
        """Return the answer to a message of SNS that brings no alarm, or is not trusted."""
        decided = functools.partial(Decision, "alarm", _delivery(None))
        try:
            await self.sns.verify(message, self._config.sns_topics)
            if message["Type"] == sns.SUBSCRIPTION:
                await self.sns.confirm(message)
                return self._answer(decided("answered", f"subscribed to {message['TopicArn']}"), 200)
        except sns.UntrustedError as error:
            return self._answer(decided("refused", str(error)), 403)
        except sns.UnreachableError as error:
            return self._answer(decided("failed", str(error)), 503)
        is_end = message["Type"] == sns.END
        ended = decided("ignored", f"the subscription to {message['TopicArn']} has ended")
        return self._answer(ended, 202) if is_end else None

    async def _store_alarms(self, events: list[reduce.Event], raw: bytes) -> web.Response:
        """Keep *events*, all or none, and answer what was decided of each."""
        deliveries = [_delivery(None) for _ in events]
        try:
            await self._writer.do(functools.partial(_accept, self._spool, deliveries, events, raw))
        except sqlite3.Error:
            return self._answer(
                Decision("alarm", deliveries[0], "failed", "the spool cannot be written"), 503
            )
        decided = [_decided(event, delivery) for event, delivery in zip(events, deliveries, strict=True)]
        for event, decision in zip(events, decided, strict=True):
            self.forwarder.wake(event.lane)
            self._audit.record(decision)
        return web.json_response({"alarms": [_said(decision) for decision in decided]}, status=202)

    def _answer(self, decision: Decision, status: int) -> web.Response:
        self._audit.record(decision)
        return web.json_response(_said(decision), status=status)


@asynccontextmanager
async def running(config: Config, stream: TextIO) -> AsyncIterator[Gateway]:
    """
    Serve within this context, with the audit lines on *stream*, and yield the gateway.

    SpoolError or OSError when it cannot start. Leaving it loses nothing.
    """
    spool = Spool(config.spool)
    writer = Writer(spool)
    tidying = asyncio.create_task(_tidy(spool, writer))
    try:
        gateway = Gateway(config, spool, writer, Audit(stream))
        async with listening(gateway.application(), config) as (gateway.port, gateway.connections):
            await gateway.forwarder.start()
            await gateway.desk.start()
            await gateway.join_door.start()
            try:
                yield gateway
            finally:
                await gateway.join_door.stop()
                await gateway.desk.stop()
                await gateway.forwarder.stop()
    finally:
        tidying.cancel()
        await writer.close()
        spool.close()


async def _tidy(spool: Spool, writer: Writer) -> None:
    while True:
        with suppress(sqlite3.Error):
            while await writer.do(spool.forget):
                pass
        await asyncio.sleep(TIDY_SECONDS)


def _accept(spool: Spool, deliveries: list[str], events: list[reduce.Event], raw: bytes) -> None:
    """Keep *events*; what was sent is kept with the first of them."""
    for number, (delivery, event) in enumerate(zip(deliveries, events, strict=True)):
        source = "unusable_alarm" if event.unusable else "alarm"
        spool.accept(source, delivery, event, b"" if number else raw)


def _decided(event: reduce.Event, delivery: str) -> Decision:
    return Decision("alarm", delivery, "unusable" if event.unusable else "accepted", event.unusable)


def _said(decision: Decision) -> dict[str, str]:
    return {"decision": decision.decision, "reason": decision.reason, "delivery": decision.delivery}


def _alarms(sent: Any, request: web.Request, names: Names) -> list[reduce.Event]:
    url = {name: request.query[name] for name in ("project", "host", "check") if name in request.query}
    return reduce.alarms(sent, request.match_info["source"], names, url)


def _event(raw: bytes, read: Callable[[Any], reduce.Event]) -> reduce.Event:
    try:
        return read(body.parse(raw))
    except ValueError as error:
        return reduce.Event({}, "", "", ignored=str(error))


def _delivery(given: str | None) -> str:
    return given if given and DELIVERY.fullmatch(given) else f"gateway-{uuid.uuid4()}"
