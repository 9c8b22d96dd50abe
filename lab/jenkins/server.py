"""The remote API over HTTP: who asks, what for, and the answer's form."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lab.jenkins import tree, views
from lab.jenkins.build import Build, information
from lab.jenkins.queue import Queue
from lab.jenkins.settings import Settings

VERSION = "2.426.1"  # the remote API that is imitated
CRUMB = "Jenkins-Crumb"
MAX_BODY = 1_000_000
Answer = tuple[int, Any, dict[str, str]]


class NotFound(Exception):
    """There is nothing at this address."""


class Api:
    """What each address answers: a status, JSON or text, and further headers."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._settings = settings
        self._queue = queue
        self._root = settings.url
        self._routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", r"/", self._front),
            ("GET", r"/api/json", self._front),
            ("GET", r"/crumbIssuer/api/json", self._crumb),
            ("GET", r"/me/api/json", self._me),
            ("GET", r"/queue/api/json", self._items),
            ("GET", r"/queue/item/(\d+)/api/json", self._item),
            ("POST", r"/queue/cancelItem", self._cancel),
            ("GET", r"/job/([^/]+)/api/json", self._job),
            ("POST", r"/job/([^/]+)/buildWithParameters", self._build),
            ("POST", r"/job/([^/]+)/build", self._build),
            ("GET", r"/job/([^/]+)/(\d+)/api/json", self._information),
            ("GET", r"/job/([^/]+)/(\d+)/consoleText", self._console),
            ("POST", r"/job/([^/]+)/(\d+)/stop", self._stop),
        ]

    def answer(self, method: str, target: str, form: dict[str, str]) -> Answer:
        """Return the answer to *method* on *target*; NotFound when nothing is there."""
        parts = urlsplit(target)
        path = parts.path.rstrip("/") or "/"
        given = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **form}
        for known, pattern, handler in self._routes:
            match = re.fullmatch(pattern, path)
            if match and known == method:
                status, content, headers = handler(given, *match.groups())
                return status, tree.pick(content, given.get("tree", "")), headers
        raise NotFound

    def _front(self, _given: dict[str, str]) -> Answer:
        return 200, views.server(self._queue.builds, self._root), {}

    def _crumb(self, _given: dict[str, str]) -> Answer:
        crumb = hmac.new(self._settings.token.encode(), b"crumb", "sha256").hexdigest()
        issuer = "hudson.security.csrf.DefaultCrumbIssuer"
        return 200, {"_class": issuer, "crumb": crumb, "crumbRequestField": CRUMB}, {}

    def _me(self, _given: dict[str, str]) -> Answer:
        user = self._settings.user
        return 200, {"_class": "hudson.model.User", "id": user, "fullName": user}, {}

    def _items(self, _given: dict[str, str]) -> Answer:
        items = [views.item(item, self._root) for item in self._queue.waiting()]
        return 200, {"_class": "hudson.model.Queue", "items": items}, {}

    def _item(self, _given: dict[str, str], number: str) -> Answer:
        item = self._queue.items.get(int(number))
        if item is None:
            raise NotFound
        return 200, views.item(item, self._root), {}

    def _cancel(self, given: dict[str, str]) -> Answer:
        number = given.get("id", "")
        if not number.isdigit() or not self._queue.cancel(int(number)):
            raise NotFound
        return 204, "", {}

    def _job(self, given: dict[str, str], name: str) -> Answer:
        builds = self._queue.builds.get(name)
        if builds is None:
            raise NotFound
        queued = any(item.job == name for item in self._queue.waiting())
        page = views.job(name, builds, self._root, queued)
        if given.get("tree"):
            # A tree reaches into what is linked; without one, links are all there is.
            page["builds"] = [information(build, self._root) for build in builds[::-1]]
        return 200, page, {}

    def _build(self, given: dict[str, str], name: str) -> Answer:
        if name not in self._queue.builds:
            raise NotFound
        item = self._queue.add(name, given)
        return 201, "", {"Location": f"{self._root}queue/item/{item.number}/"}

    def _information(self, _given: dict[str, str], name: str, number: str) -> Answer:
        return 200, information(self._known(name, number), self._root), {}

    def _console(self, _given: dict[str, str], name: str, number: str) -> Answer:
        return 200, self._queue.log(self._known(name, number)), {}

    def _stop(self, _given: dict[str, str], name: str, number: str) -> Answer:
        self._queue.stop(self._known(name, number))
        return 200, "", {}

    def _known(self, name: str, number: str) -> Build:
        build = self._queue.build(name, int(number))
        if build is None:
            raise NotFound
        return build


def server(settings: Settings, queue: Queue) -> ThreadingHTTPServer:
    """Return a server of the API of *queue*, bound and not yet serving."""
    api = Api(settings, queue)

    class Handler(_Handler):
        def ask(self, form: dict[str, str]) -> Answer:
            return api.answer(self.command, self.path, form)

        def is_known(self) -> bool:
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            right = base64.b64encode(f"{settings.user}:{settings.token}".encode()).decode()
            return hmac.compare_digest(given.encode(), right.encode())

    return ThreadingHTTPServer((settings.host, settings.port), Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._handle({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self._send(413, "too large", {})
            return
        body = self.rfile.read(length).decode(errors="replace")
        self._handle(dict(parse_qsl(body, keep_blank_values=True)))

    def ask(self, form: dict[str, str]) -> Answer:
        """Return the answer to this request."""
        raise NotImplementedError

    def is_known(self) -> bool:
        """Whether this request comes from the user, with the token."""
        raise NotImplementedError

    def _handle(self, form: dict[str, str]) -> None:
        if not self.is_known():
            self._send(401, "", {"WWW-Authenticate": 'Basic realm="Jenkins"'})
            return
        try:
            self._send(*self.ask(form))
        except NotFound:
            self._send(404, "", {})

    def _send(self, status: int, content: Any, headers: dict[str, str]) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        kind = "text/plain;charset=utf-8" if isinstance(content, str) else "application/json;charset=utf-8"
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "X-Jenkins": VERSION, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the console of each build is the record."""
