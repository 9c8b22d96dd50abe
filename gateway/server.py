"""
The gateway's HTTP side.

aiohttp, because it answered most signed pushes a second of the servers compared (docs/gateway.md),
and its client forwards in the same event loop.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

from gateway import reduce
from gateway.config import Config
from gateway.forward import Forwarder
from gateway.reduce import Event, Ignored
from gateway.signature import is_signed, is_token
from gateway.spool import Spool

BODY_LIMIT = 1024**2
DEPTH_LIMIT = 40
READ_SECONDS = 10
DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")


class Gateway:
    """One running gateway."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._spool = Spool(config.spool)
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._forwarder: Forwarder | None = None

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=BODY_LIMIT)
        application.add_routes(
            [
                web.post("/github", self.github),
                web.post("/jenkins", self.jenkins),
                web.post(r"/alarm/{source:[a-z0-9-]{1,40}}", self.alarm),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.metrics),
            ]
        )
        application.cleanup_ctx.append(self._forwarding)
        return application

    async def github(self, request: web.Request) -> web.Response:
        """Take a delivery of GitHub: its signature is checked over the raw bytes."""
        raw = await _body(request)
        delivery = _delivery(request.headers.get("X-GitHub-Delivery"))
        if not is_signed(raw, request.headers.get("X-Hub-Signature-256"), self._config.github_secrets):
            return self._refuse("github", delivery, "the signature does not fit")
        kind = request.headers.get("X-GitHub-Event", "")
        if kind == "ping":
            return self._decide("github", delivery, None, "answered", "ping", 200)
        if kind != "push":
            return self._decide("github", delivery, None, "ignored", "not a push", 202)
        return self._take("github", delivery, raw, reduce.push)

    async def jenkins(self, request: web.Request) -> web.Response:
        """Take a callback of Jenkins' Notification plugin."""
        raw = await _body(request)
        if not self._has_token(request):
            return self._refuse("jenkins", "", "the token does not fit")
        return self._take("jenkins", _delivery(None), raw, reduce.jenkins)

    async def alarm(self, request: web.Request) -> web.Response:
        """Take an alarm of a monitoring system."""
        raw = await _body(request)
        source, delivery = request.match_info["source"], _delivery(None)
        if not self._has_token(request):
            return self._refuse("alarm", "", "the token does not fit")
        return self._take("alarm", delivery, raw, lambda body: reduce.alarm(body, source, delivery))

    async def healthz(self, request: web.Request) -> web.Response:
        """Say that the gateway runs and how many events wait."""
        return web.json_response({"status": "ok", "waiting": self._spool.counts().get("waiting", 0)})

    async def metrics(self, request: web.Request) -> web.Response:
        """Say in Prometheus' text format what was decided and what waits."""
        lines = ["# TYPE cicd_gateway_decisions_total counter"]
        for (source, decision), count in sorted(self._decisions.items()):
            lines.append(f'cicd_gateway_decisions_total{{source="{source}",decision="{decision}"}} {count}')
        lines.append("# TYPE cicd_gateway_events gauge")
        for state, count in sorted(self._spool.counts().items()):
            lines.append(f'cicd_gateway_events{{state="{state}"}} {count}')
        return web.Response(text="\n".join(lines) + "\n")

    def _take(self, source: str, delivery: str, raw: bytes, read: Callable[[Any], Event]) -> web.Response:
        try:
            event = read(_parsed(raw))
        except Ignored as why:
            return self._decide(source, delivery, None, "ignored", str(why), 202)
        if not self._spool.accept(source, delivery, event, raw):
            return self._decide(source, delivery, event, "duplicate", "known already", 202)
        if self._forwarder:
            self._forwarder.wake()
        return self._decide(source, delivery, event, "accepted", "", 202)

    def _has_token(self, request: web.Request) -> bool:
        given = request.headers.get("X-Cicd-Token") or request.query.get("token")
        return is_token(given, self._config.jenkins_token)

    def _refuse(self, source: str, delivery: str, why: str) -> web.Response:
        return self._decide(source, delivery, None, "refused", why, 401)

    def _decide(
        self, source: str, delivery: str, event: Event | None, decision: str, reason: str, status: int
    ) -> web.Response:
        self._decisions[source, decision] += 1
        said = {"decision": decision, "reason": reason, "delivery": delivery}
        audit = {
            "time": round(time.time(), 3),
            "source": source,
            "trace": event.trace if event else "",
            **said,
        }
        sys.stdout.write(json.dumps(audit) + "\n")
        sys.stdout.flush()
        return web.json_response(said, status=status)

    async def _forwarding(self, application: web.Application) -> AsyncIterator[None]:
        self._forwarder = Forwarder(self._config, self._spool)
        task = asyncio.create_task(self._forwarder.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._spool.close()


async def _body(request: web.Request) -> bytes:
    try:
        return await asyncio.wait_for(request.read(), READ_SECONDS)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def _delivery(given: str | None) -> str:
    return given if given and DELIVERY.fullmatch(given) else f"gateway-{uuid.uuid4()}"


def _parsed(raw: bytes) -> Any:
    if _depth(raw) > DEPTH_LIMIT:
        raise Ignored("nested too deeply")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Ignored("not JSON") from None


def _depth(raw: bytes) -> int:
    deepest = depth = 0
    for byte in re.findall(rb"[\[{\]}]", re.sub(rb'"(?:[^"\\]|\\.)*"', b"", raw)):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
