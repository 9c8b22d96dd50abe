"""
What a new machine fetches once: sealed for it by the pack, and kept in Consul until then.

The gateway can neither read what it hands over nor make another of it: the machine's token is in its
user-data alone, and what is shown here only follows from it.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from gateway.config import Consul

PREFIX = "cicd/.joins/"
IDENTIFIER = re.compile(r"[0-9a-f]{64}")
HOST_KEY = re.compile(r"(ssh|ecdsa)-[a-z0-9@.-]{3,40} [A-Za-z0-9+/]{40,2000}={0,2}")
MOST_HOST_KEYS = 8
SAID_CHARACTERS = 500
CONSUL_SECONDS = 10
OPEN, JOINED = "open", "joined"
UNREADABLE = "the body is no request of a machine"
NOT_GOOD = "the token is not known, too old, or was used"


class NotGoodError(Exception):
    """The token is good for nothing; the text says so."""


class AwayError(Exception):
    """Consul did not do its part; the text says why. It is worth another try."""


@dataclass(frozen=True)
class Caller:
    """A machine that shows its token's *identifier*, with what it says of itself."""

    identifier: str
    said: Mapping[str, Any]


def joining(sent: Any) -> Caller:
    """Return the machine that *sent* says it is; ValueError when it is none."""
    caller = Caller(_identifier(sent), {})
    keys, address, signature = (sent.get(name) for name in ("host_keys", "address", "signature"))
    if not isinstance(keys, list) or not 0 < len(keys) <= MOST_HOST_KEYS:
        raise ValueError(UNREADABLE)
    if not all(isinstance(key, str) and HOST_KEY.fullmatch(key) for key in keys):
        raise ValueError(UNREADABLE)
    if not isinstance(signature, str) or not IDENTIFIER.fullmatch(signature):
        raise ValueError(UNREADABLE)
    where = str(ipaddress.ip_address(str(address)))
    if "%" in where:  # what follows is any text
        raise ValueError(UNREADABLE)
    return Caller(caller.identifier, {"host_keys": keys, "address": where, "signature": signature})


def failing(sent: Any) -> Caller:
    """Return the machine that *sent* says failed, and at what; ValueError when it is none."""
    caller = Caller(_identifier(sent), {})
    said = str(sent.get("said", ""))
    plain = "".join(one if one.isprintable() else " " for one in said)[-SAID_CHARACTERS:]
    return Caller(caller.identifier, {"failed": plain})


class Joins:
    """The joins in one Consul."""

    def __init__(self, consul: Consul) -> None:
        self._session: aiohttp.ClientSession | None = None
        self.reload(consul)

    def reload(self, consul: Consul) -> None:
        """Ask the Consul at *consul* from now on."""
        self._consul = consul
        self._headers = {"X-Consul-Token": consul.token} if consul.token else {}
        self._ssl = ssl.create_default_context(cafile=consul.ca_file) if consul.ca_file else True

    @property
    def is_configured(self) -> bool:
        """Whether machines may join here at all."""
        return bool(self._consul.url)

    async def start(self) -> None:
        """Be ready to ask Consul."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CONSUL_SECONDS))

    async def stop(self) -> None:
        """Close what is open."""
        if self._session:
            await self._session.close()

    async def take(self, caller: Caller) -> str:
        """Return what is sealed for *caller*, who gets it this once; NotGoodError or AwayError else."""
        known, index = await self._read(caller.identifier)
        if known.get("state") != OPEN or known.get("until", 0) < time.time():
            raise NotGoodError(NOT_GOOD)
        sealed = str(known.pop("sealed"))
        await self._write(
            caller.identifier, {**known, **caller.said, "state": JOINED, "at": time.time()}, index
        )
        return sealed

    async def note_failure(self, caller: Caller) -> None:
        """Keep what *caller* failed at; NotGoodError or AwayError when that cannot be."""
        known, index = await self._read(caller.identifier)
        await self._write(caller.identifier, {**known, **caller.said}, index)

    async def _read(self, identifier: str) -> tuple[dict[str, Any], int]:
        status, body = await self._ask("GET", identifier, "consistent")
        if status == 404:
            raise NotGoodError(NOT_GOOD)
        item = orjson.loads(body)[0]
        return dict(orjson.loads(base64.b64decode(item["Value"]))), int(item["ModifyIndex"])

    async def _write(self, identifier: str, document: Mapping[str, Any], index: int) -> None:
        """Whoever came between has used the token."""
        _, body = await self._ask("PUT", identifier, f"cas={index}", orjson.dumps(document))
        if body.strip() != b"true":
            raise NotGoodError(NOT_GOOD)

    async def _ask(
        self, method: str, identifier: str, query: str, data: bytes | None = None
    ) -> tuple[int, bytes]:
        assert self._session, "started before the first request"
        url = f"{self._consul.url}v1/kv/{PREFIX}{identifier}?{query}"
        options: Any = {"data": data, "ssl": self._ssl, "headers": self._headers}
        try:
            async with self._session.request(method, url, **options) as answer:
                status, body = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AwayError(f"Consul does not answer ({type(error).__name__})") from None
        if status not in (200, 404):
            raise AwayError(f"Consul answers {status}")
        return status, body


def _identifier(sent: Any) -> str:
    identifier = sent.get("id") if isinstance(sent, dict) else None
    if not isinstance(identifier, str) or not IDENTIFIER.fullmatch(identifier):
        raise ValueError(UNREADABLE)
    return identifier
