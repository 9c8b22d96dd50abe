"""The authentication service: a password for a token."""

from __future__ import annotations

import base64
import binascii

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from st2local.api.app import fault
from st2local.engine.engine import Engine
from st2local.errors import AuthError


def build(engine: Engine) -> Starlette:
    """Return the service."""

    async def login(request: Request) -> Response:
        try:
            user, password = _credentials(request)
            ttl = _ttl(await request.body())
            return JSONResponse(engine.auth.login(user, password, ttl), 201)
        except AuthError as error:
            return fault(401, str(error))

    async def validate(request: Request) -> Response:
        try:
            body = await request.json()
            engine.auth.token_user(str(body["token"]))
            return JSONResponse({"valid": True})
        except (AuthError, ValueError, KeyError, TypeError):
            return JSONResponse({"valid": False})

    routes = []
    for prefix in ("", "/v1", "/auth", "/auth/v1"):
        for end in ("", "/"):
            routes.append(Route(f"{prefix}/tokens{end}", login, methods=["POST"]))
            for name in ("token", "tokens"):
                routes.append(Route(f"{prefix}/{name}/validate{end}", validate, methods=["POST"]))
    return Starlette(routes=routes)


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
    import json

    try:
        found = json.loads(content or b"{}").get("ttl")
    except (ValueError, AttributeError):
        return None
    return float(found) if isinstance(found, int | float) and found > 0 else None
