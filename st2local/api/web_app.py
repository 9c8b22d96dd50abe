"""One port for StackStorm's web UI: its files, and the services under the names its nginx gives them."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from st2local.errors import RefusedError

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "X-XSS-Protection": "0"}


class WebApp:
    """Hands each request to the service whose name its path begins with; any other is for a file."""

    def __init__(self, pages: ASGIApp, api: ASGIApp, auth: ASGIApp, stream: ASGIApp) -> None:
        self._places = (
            (re.compile(r"(/api)(/v\d)?/stream/?"), stream),
            (re.compile(r"(/api)/.*", re.DOTALL), api),
            (re.compile(r"(/auth)/.*", re.DOTALL), auth),
            (re.compile(r"(/stream)/.*", re.DOTALL), stream),
            (re.compile(r"().*", re.DOTALL), pages),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._place(scope)(scope, receive, send_with_headers)

    def _place(self, scope: Scope) -> ASGIApp:
        if scope["method"] not in METHODS:
            return JSONResponse({"faultstring": "Method Not Allowed"}, 405)
        for pattern, service in self._places:
            found = pattern.fullmatch(scope["path"])
            if found:
                # What the service sees of its path begins after this.
                scope["root_path"] = found[1]
                return service
        raise AssertionError("the last pattern fits every path")


def pages(directory: Path) -> Starlette:
    """Return the files of a built web UI; raises RefusedError where there is none."""
    if not (directory / "index.html").is_file():
        raise RefusedError(
            f"{directory} holds no index.html, so it is no web UI; "
            "give --web the folder `build` of a StackStorm st2web that `gulp production` has built"
        )
    return Starlette(routes=[Mount("/", StaticFiles(directory=directory, html=True))])
