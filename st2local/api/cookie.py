"""The cookie in which a browser keeps its token: it can send no header for a picture or an event stream."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from st2local import clock
from st2local.values import Values

NAME = "auth-token"


def give(answer: Response, token: str, expiry: str) -> None:
    """Let a browser keep a token until it ends, hidden from scripts and from requests of other pages."""
    seconds = int(-clock.seconds_since(expiry))
    answer.set_cookie(NAME, token, max_age=seconds, httponly=True, samesite="strict")


def renew(request: Request, answer: Response, how: Values) -> None:
    """Give the cookie to whoever came with a token in a header or in the query."""
    token = request.headers.get("x-auth-token") or request.query_params.get("x-auth-token")
    if token and how["location"] != "cookie":
        give(answer, token, how["token_expire"])
