"""
Keeps foreign web pages out: a browser on this machine would send their requests here.

A page of another origin can send a request without asking first, and one whose name is made to lead to this
machine can read the answer too. Where nothing but the machine's own addresses protects the API, or a cookie
does, such requests are refused by their Host and Origin.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from st2local.api import cookie

REFUSED = "Requests of other web pages are refused ({name}: {value})."


class BrowserGuard:
    """Refuses what a foreign page sends; *is_open*: nobody has to log in."""

    def __init__(self, app: ASGIApp, is_open: bool) -> None:
        self._app = app
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 403."""
        reason = self._reason(Request(scope)) if scope["type"] == "http" else ""
        if reason:
            await JSONResponse({"faultstring": reason}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _reason(self, request: Request) -> str:
        if not self._is_open and cookie.NAME not in request.cookies:
            return ""
        # StackStorm's nginx sends the same Host twice; two that differ are a trick.
        hosts, origin = request.headers.getlist("host") or [""], request.headers.get("origin")
        for host in hosts:
            if self._is_open and not is_loopback(urlsplit(f"//{host}").hostname or ""):
                return REFUSED.format(name="Host", value=host)
            if origin is not None and urlsplit(origin).netloc != host:
                return REFUSED.format(name="Origin", value=origin)
        return ""


def is_loopback(host: str) -> bool:
    """Return whether *host*, a name or an address, is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
