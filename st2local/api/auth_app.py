"""The authentication service: a password for a token."""

from __future__ import annotations

import base64
import binascii
import json

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from st2local.api import cookie
from st2local.api.app import fault, guarded, read
from st2local.assembly import Engine
from st2local.errors import AuthError, TooLargeError

BODY_LIMIT = 64 * 1024  # before a password is looked at


def build(engine: Engine) -> Starlette:
    """Return the service."""

    async def login(request: Request) -> Response:
        try:
            user, password = _credentials(request)
            ttl = _ttl(await read(request, BODY_LIMIT))
            made = await to_thread.run_sync(engine.auth.login, user, password, ttl)
            answer = JSONResponse(made, 201)
            # The web UI listens to the stream before it asks the API for anything.
            cookie.give(answer, made["token"], made["expiry"])
            return answer
        except (AuthError, TooLargeError) as error:
            return fault(error.status, str(error))

    async def validate(request: Request) -> Response:
        try:
            body = json.loads(await read(request, BODY_LIMIT))
            engine.auth.token_user(str(body["token"]))
            return JSONResponse({"valid": True})
        except (AuthError, TooLargeError, ValueError, KeyError, TypeError, RecursionError):
            return JSONResponse({"valid": False})

    routes = []
    for prefix in ("", "/v1", "/auth", "/auth/v1"):
        for end in ("", "/"):
            routes.append(Route(f"{prefix}/tokens{end}", login, methods=["POST"]))
            for name in ("token", "tokens"):
                routes.append(Route(f"{prefix}/{name}/validate{end}", validate, methods=["POST"]))
    return guarded(engine, routes)


def _credentials(request: Request) -> tuple[str, str]:
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, colon, password = "", "", ""
    if kind.lower() != "basic" or not colon:
        raise AuthError("Invalid or missing credentials")
    return user, password


def _ttl(content: bytes) -> float | None:
    try:
        found = json.loads(content or b"{}").get("ttl")
    except (ValueError, AttributeError):
        return None
    return float(found) if isinstance(found, int | float) and found > 0 else None
