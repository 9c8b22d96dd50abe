"""The remote API over HTTP: who asks, what for, and the answer."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.jenkins import tree, views
from lab.jenkins.build import Build, information
from lab.jenkins.queue import Queue
from lab.jenkins.settings import Settings
from lab.stand_in import http
from lab.stand_in.http import Answer, Request

VERSION = "2.426.1"  # the remote API that is imitated
CRUMB = "Jenkins-Crumb"
XML = "config.xml"  # the body of a request that is one, beside what its address gives
JOB = r"(job/[^/]+(?:/job/[^/]+)*)"  # in folders each has its own `job/`


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
            ("POST", rf"/(?:{JOB}/)?createItem", self._create),
            ("GET", rf"/{JOB}/config\.xml", self._config),
            ("POST", rf"/{JOB}/config\.xml", self._configure),
            ("POST", rf"/{JOB}/doDelete", self._delete),
            ("GET", r"/queue/api/json", self._items),
            ("GET", r"/queue/item/(\d+)/api/json", self._item),
            ("POST", r"/queue/cancelItem", self._cancel),
            ("GET", rf"/{JOB}/api/json", self._job),
            ("POST", rf"/{JOB}/buildWithParameters", self._build),
            ("POST", rf"/{JOB}/build", self._build_without_parameters),
            ("GET", rf"/{JOB}/(\d+)/api/json", self._information),
            ("GET", rf"/{JOB}/(\d+)/consoleText", self._console),
            ("GET", rf"/{JOB}/(\d+)/artifact/(.+)", self._artifact),
            ("POST", rf"/{JOB}/(\d+)/stop", self._stop),
            ("POST", rf"/{JOB}/(\d+)/submitDescription", self._describe),
        ]

    def reply(self, request: Request, body: bytes) -> Answer:
        """Return the answer to *request*, whoever asks."""
        if not self._is_known(request.headers.get("Authorization", "")):
            return 401, "", {"WWW-Authenticate": 'Basic realm="Jenkins"'}
        text = body.decode(errors="replace")
        is_xml = "xml" in request.headers.get("Content-Type", "")
        form = {XML: text} if is_xml else dict(parse_qsl(text, keep_blank_values=True))
        try:
            status, content, headers = self.answer(request.command, request.path, form)
        except NotFound:
            status, content, headers = 404, "", {}
        return status, content, {"X-Jenkins": VERSION, **headers}

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

    def _is_known(self, authorization: str) -> bool:
        right = base64.b64encode(f"{self._settings.user}:{self._settings.token}".encode())
        return hmac.compare_digest(authorization.removeprefix("Basic ").encode(), right)

    def _front(self, _given: dict[str, str]) -> Answer:
        return 200, views.server(self._queue.builds, self._root), {}

    def _crumb(self, _given: dict[str, str]) -> Answer:
        crumb = hmac.new(self._settings.token.encode(), b"crumb", "sha256").hexdigest()
        issuer = "hudson.security.csrf.DefaultCrumbIssuer"
        return 200, {"_class": issuer, "crumb": crumb, "crumbRequestField": CRUMB}, {}

    def _me(self, _given: dict[str, str]) -> Answer:
        user = self._settings.user
        return 200, {"_class": "hudson.model.User", "id": user, "fullName": user}, {}

    def _create(self, given: dict[str, str], folder: str | None) -> Answer:
        name, within = given.get("name", ""), _job(folder) if folder else ""
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            return 400, f"{name!r} is an unsafe name", {}
        if within and within not in self._queue.builds:
            raise NotFound
        try:
            created = self._queue.create(f"{within}/{name}" if within else name, given.get(XML, ""))
        except ValueError as error:
            return 500, f"the job cannot be read: {error}", {}
        return (200, "", {}) if created else (400, f"A job already exists with the name {name!r}", {})

    def _config(self, _given: dict[str, str], path: str) -> Answer:
        return 200, self._queue.xml(self._named(path)), {"Content-Type": "application/xml"}

    def _configure(self, given: dict[str, str], path: str) -> Answer:
        try:
            self._queue.configure(self._named(path), given.get(XML, ""))
        except ValueError as error:
            return 500, f"the job cannot be read: {error}", {}
        return 200, "", {}

    def _delete(self, _given: dict[str, str], path: str) -> Answer:
        self._queue.delete(self._named(path))
        return 200, "", {}

    def _named(self, path: str) -> str:
        name = _job(path)
        if name not in self._queue.builds:
            raise NotFound
        return name

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

    def _job(self, given: dict[str, str], path: str) -> Answer:
        name = self._named(path)
        builds = self._queue.builds[name]
        queued = any(item.job == name for item in self._queue.waiting())
        page = views.job(name, builds, self._root, queued, self._queue.config(name))
        if given.get("tree"):
            # A tree reaches into what is linked; without one, links are all there is.
            page["builds"] = [information(build, self._root) for build in builds[::-1]]
        return 200, page, {}

    def _build(self, given: dict[str, str], path: str) -> Answer:
        return self._queued(path, given)

    def _build_without_parameters(self, _given: dict[str, str], path: str) -> Answer:
        return self._queued(path, None)

    def _queued(self, path: str, given: dict[str, str] | None) -> Answer:
        item = self._queue.add(self._named(path), given)
        return 201, "", {"Location": f"{self._root}queue/item/{item.number}/"}

    def _information(self, _given: dict[str, str], name: str, number: str) -> Answer:
        return 200, information(self._known(name, number), self._root), {}

    def _console(self, _given: dict[str, str], name: str, number: str) -> Answer:
        return 200, self._queue.log(self._known(name, number)), {}

    def _artifact(self, _given: dict[str, str], name: str, number: str, path: str) -> Answer:
        content = self._queue.artifact(self._known(name, number), unquote(path))
        if content is None:
            raise NotFound
        return 200, content, {"Content-Type": "application/octet-stream"}

    def _stop(self, _given: dict[str, str], name: str, number: str) -> Answer:
        self._queue.stop(self._known(name, number))
        return 200, "", {}

    def _describe(self, given: dict[str, str], name: str, number: str) -> Answer:
        self._queue.describe(self._known(name, number), given.get("description", ""))
        return 302, "", {"Location": f"{self._root}{name}/{number}/"}

    def _known(self, path: str, number: str) -> Build:
        build = self._queue.build(_job(path), int(number))
        if build is None:
            raise NotFound
        return build


def _job(path: str) -> str:
    """Return the full name of the job at *path*, `job/<folder>/job/<name>`; each part is escaped there."""
    return "/".join(unquote(part) for part in path.split("/")[1::2])


def server(settings: Settings, queue: Queue) -> ThreadingHTTPServer:
    """Return a server of the API of *queue*, bound and not yet serving."""
    return http.server(settings.host, settings.port, Api(settings, queue).reply)
