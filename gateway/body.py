"""The body of a request: read within limits of size, time and depth."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import ClientError, web

SIZE_LIMIT = 1024**2
DEPTH_LIMIT = 40
# The closing quote may be missing, so that no text makes the expression go back and try again.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
BRACKET = re.compile(rb"[\[{\]}]")


class BodyError(Exception):
    """The body did not arrive as it should; `status` is the HTTP status to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def receive(request: web.Request, seconds: float) -> bytes:
    """Return the raw body of *request*, or raise BodyError when it is too large or takes over *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise BodyError(408, "the body came too slowly") from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyError(413, "the body is over 1 MiB") from None
    except (ClientError, ConnectionError, web.RequestPayloadError):
        raise BodyError(400, "the body ended early") from None


def parse(raw: bytes) -> Any:
    """Return the JSON value in *raw*; ValueError when it is none or is nested too deeply."""
    if not _is_shallow(raw):
        raise ValueError("the body is nested too deeply")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None


def _is_shallow(raw: bytes) -> bool:
    depth = 0
    for bracket in BRACKET.finditer(STRING.sub(b"", raw)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > DEPTH_LIMIT:
            return False
    return True
