"""The API over HTTP: who asks, what for, with DigitalOcean's answers."""

from __future__ import annotations

import hmac
import json
import re
import time
import uuid
from collections.abc import Callable, Sequence
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.digitalocean import catalog
from lab.digitalocean.droplets import Droplets, Refusal
from lab.stand_in import http
from lab.stand_in.http import Answer, Request

DEFAULT_PAGE, LARGEST_PAGE = 20, 200
IDENTIFIERS = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    422: "unprocessable_entity",
}


class Problem(Exception):
    """An answer that is no success: its status, and DigitalOcean's message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """What each address answers to whoever has *token*."""

    def __init__(self, token: str, droplets: Droplets) -> None:
        self._token = token
        self._droplets = droplets
        self._routes: list[tuple[str, str, int, Callable[..., Any]]] = [
            ("GET", "v2/droplets", 200, self._list),
            ("POST", "v2/droplets", 202, lambda given: {"droplet": droplets.create(given)}),
            ("DELETE", r"v2/droplets/(\d+)", 204, self._destroy),
            ("GET", "v2/sizes", 200, lambda given: _page("sizes", map(catalog.size, catalog.SIZES), given)),
            ("GET", "v2/images/([^/]+)", 200, self._image),
        ]

    def reply(self, request: Request, body: bytes) -> Answer:
        """Return the answer to *request*, with DigitalOcean's form of a refusal."""
        try:
            return self._reply(request, body)
        except Refusal as refusal:
            return _refused(422, str(refusal))
        except Problem as problem:
            return _refused(problem.status, str(problem))

    def _reply(self, request: Request, body: bytes) -> Answer:
        target = urlsplit(request.path)
        path, given = target.path.strip("/"), {**dict(parse_qsl(target.query)), **_parsed(body)}
        if not self._is_known(request.headers.get("Authorization", "")):
            raise Problem(401, "Unable to authenticate you")
        return (*self._answer(request.command, path, given), _limits())

    def _answer(self, method: str, path: str, given: dict[str, Any]) -> tuple[int, Any]:
        for known, pattern, status, handler in self._routes:
            match = re.fullmatch(pattern, path)
            if match and known == method:
                return status, handler(*map(unquote, match.groups()), given)
        raise Problem(404, "The resource you were accessing could not be found.")

    def _is_known(self, authorization: str) -> bool:
        kind, _, given = authorization.partition(" ")
        return kind == "Bearer" and hmac.compare_digest(given.encode(), self._token.encode())

    def _list(self, given: dict[str, Any]) -> Any:
        return _page("droplets", self._droplets.listed(given.get("tag_name", "")), given)

    def _destroy(self, number: str, _given: dict[str, Any]) -> str:
        if not self._droplets.destroy(int(number)):
            raise Problem(404, "The resource you were accessing could not be found.")
        return ""

    def _image(self, wanted: str, _given: dict[str, Any]) -> Any:
        slug = catalog.image_slug(wanted)
        if slug is None:
            raise Problem(404, "The resource you were accessing could not be found.")
        return {"image": catalog.image(slug)}


def server(host: str, port: int, token: str, droplets: Droplets) -> ThreadingHTTPServer:
    """Return a server of the API, bound and not yet serving."""
    return http.server(host, port, Api(token, droplets).reply)


def _page(what: str, found: Any, given: dict[str, Any]) -> dict[str, Any]:
    every: Sequence[Any] = list(found)
    size = min(int(given.get("per_page", DEFAULT_PAGE)), LARGEST_PAGE)
    number = int(given.get("page", 1))
    last = max(1, -(-len(every) // size))
    base = f"https://api.digitalocean.com/v2/{what}?per_page={size}&page="
    later = {"next": f"{base}{number + 1}", "last": f"{base}{last}"} if number < last else {}
    earlier = {"first": f"{base}1", "prev": f"{base}{number - 1}"} if number > 1 else {}
    pages = {**earlier, **later}
    return {
        what: every[(number - 1) * size : number * size],
        "links": {"pages": pages} if pages else {},
        "meta": {"total": len(every)},
    }


def _refused(status: int, message: str) -> Answer:
    content = {"id": IDENTIFIERS[status], "message": message, "request_id": str(uuid.uuid4())}
    return status, content, _limits()


def _limits() -> dict[str, str]:
    return {
        "ratelimit-limit": "5000",
        "ratelimit-remaining": "4816",
        "ratelimit-reset": str(int(time.time()) + 3600),
    }


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body or b"{}"))
    except (ValueError, TypeError):
        raise Problem(400, "Unable to parse the request body.") from None
