"""The body of a request: read within limits of size, time, number and depth."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson
from aiohttp import ClientError, web

MEBIBYTE = 1024**2
SIZE_LIMIT = 25 * MEBIBYTE  # GitHub sends no more
LARGE_AT_ONCE = 2
DEPTH_LIMIT = 1024  # orjson's own
FORM = "application/x-www-form-urlencoded"
FIELDS_LIMIT = 100
UNREADABLE = f"the body is not JSON of at most {DEPTH_LIMIT} levels"


class BodyError(Exception):
    """The body did not arrive as it should; `status` is the HTTP status to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Reader:
    """Reads bodies; of those over 1 MiB few at once, since who sends is known only when all is there."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def receive(self, request: web.Request, seconds: float) -> bytes:
        """Return the raw body of *request*; BodyError when it is too large or takes over *seconds*."""
        try:
            async with asyncio.timeout(seconds):
                return await self._read(request)
        except TimeoutError:
            raise BodyError(408, "the body came too slowly") from None
        except web.HTTPRequestEntityTooLarge:
            raise BodyError(413, "the body is over 25 MiB") from None
        except (ClientError, ConnectionError, web.RequestPayloadError):
            raise BodyError(400, "the body ended early") from None

    async def _read(self, request: web.Request) -> bytes:
        length = request.content_length
        if (length or 0) > SIZE_LIMIT:
            raise BodyError(413, "the body is over 25 MiB")
        if length is not None and length <= MEBIBYTE:
            return await request.read()
        async with self._large:
            return await request.read()


def payload(raw: bytes, content_type: str) -> bytes:
    """Return the JSON in *raw*, which GitHub sends either as it is or as the field `payload` of a form."""
    if content_type != FORM:
        return raw
    fields = [field for field in raw.split(b"&") if field.startswith(b"payload=")]
    return unquote_to_bytes(fields[0].removeprefix(b"payload=").replace(b"+", b" ")) if fields else b""


def fields(raw: bytes, content_type: str) -> Any:
    """Return the JSON value in *raw*, or the fields of a form; ValueError as `parse` raises it."""
    if content_type != FORM:
        return parse(raw)
    return dict(parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=FIELDS_LIMIT))


def parse(raw: bytes) -> Any:
    """Return the JSON value in *raw*; ValueError when it is none or is nested too deeply."""
    try:
        return orjson.loads(raw)
    except ValueError:
        raise ValueError(UNREADABLE) from None
