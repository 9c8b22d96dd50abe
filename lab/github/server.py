"""The API over HTTP: who asks, what for, and the trouble that a test asks for."""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lab.github.actions import Actions
from lab.github.actions_api import FILES, ActionsApi
from lab.github.record import Invalid, Record
from lab.github.source import Source
from lab.stand_in import http
from lab.stand_in.http import Answer, Request

NAME = r"repos/([\w.-]+/[\w.-]+)"
SHA = r"([0-9a-f]{40})"
DOCUMENTATION = "https://docs.github.com/rest"
LIMITS = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}


@dataclass(frozen=True)
class Settings:
    """Where the stand-in listens, whose token it takes, and where repositories and its own file are."""

    host: str
    port: int
    token_file: str
    repositories: str  # a folder of OWNER/NAME.git
    record: str
    user: str = "cicd-bot"
    actions: str = ""  # a folder for the runs of GitHub Actions; there are none without
    act: str = "act"
    runners: int = 2

    @property
    def token(self) -> str:
        return Path(self.token_file).read_text().strip()


@dataclass(frozen=True)
class Trouble:
    """A request that fails with *problem*; *late* when what was asked happens all the same."""

    problem: Problem
    late: bool = False


class Problem(Exception):
    """An answer that is no success: its status, GitHub's message, further headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class Api:
    """What each address answers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._record = Record(Path(settings.record))
        self._trouble: list[Trouble] = []
        self._spared = 0  # requests that come before the trouble
        self._actions = _actions(settings)
        self._routes: list[tuple[str, str, int, Callable[..., Any]]] = [
            ("GET", NAME, 200, lambda s: s.repository()),
            ("GET", f"{NAME}/branches/(.+)", 200, self._branch),
            ("GET", f"{NAME}/compare/{SHA}\\.\\.\\.{SHA}", 200, self._compare),
            ("POST", f"{NAME}/statuses/{SHA}", 201, self._add_status),
            ("GET", f"{NAME}/commits/{SHA}/statuses", 200, lambda s, sha: self._record.statuses(sha)),
            ("GET", f"{NAME}/deployments", 200, lambda s: self._record.deployments()),
            ("POST", f"{NAME}/deployments", 201, self._add_deployment),
            ("GET", f"{NAME}/deployments/(\\d+)/statuses", 200, self._deployment_statuses),
            ("POST", f"{NAME}/deployments/(\\d+)/statuses", 201, self._add_deployment_status),
            ("GET", f"{NAME}/hooks", 200, lambda s: s.hooks()),
            ("POST", f"{NAME}/hooks", 201, self._add_hook),
            ("DELETE", f"{NAME}/hooks/(\\d+)", 204, self._remove_hook),
            ("GET", f"{NAME}/hooks/\\d+/deliveries", 200, lambda s: s.deliveries()),
            ("POST", f"{NAME}/hooks/\\d+/deliveries/(\\d+)/attempts", 202, self._redeliver),
        ]

    def reply(self, request: Request, body: bytes) -> Answer:
        """Return the answer to *request*, whoever asks, with GitHub's form of a refusal."""
        try:
            return self._reply(request, body)
        except Invalid as error:
            return 422, {"message": str(error), "documentation_url": DOCUMENTATION}, LIMITS
        except Problem as problem:
            content = {"message": str(problem), "documentation_url": DOCUMENTATION}
            return problem.status, content, {**LIMITS, **problem.headers}

    def _reply(self, request: Request, body: bytes) -> Answer:
        method, target = request.command, urlsplit(request.path)
        path = target.path.strip("/")
        if path.startswith(FILES):
            return self._file(path.removeprefix(FILES))
        if not self._is_known(request.headers.get("Authorization", "")):
            raise Problem(401, "Bad credentials")
        given = {**dict(parse_qsl(target.query)), **_parsed(body)}
        if (method, path) == ("POST", "lab/trouble"):
            return 200, self._ask_for_trouble(given), LIMITS
        trouble = self._next_trouble()
        if trouble and not trouble.late:
            raise trouble.problem
        answer = self._of_actions(method, path, given) or (*self.answer(method, path, given), LIMITS)
        if trouble:
            raise trouble.problem
        return answer

    def _next_trouble(self) -> Trouble | None:
        if self._spared > 0:
            self._spared -= 1
            return None
        return self._trouble.pop(0) if self._trouble else None

    def _of_actions(self, method: str, path: str, given: dict[str, Any]) -> Answer | None:
        match = re.fullmatch(f"{NAME}/actions/(.+)", path)
        if not (match and self._actions):
            return None
        return self._actions.answer(self._source(match[1]), method, match[2], given)

    def _file(self, name: str) -> Answer:
        content = self._actions.file(name) if self._actions else None
        if content is None:
            raise Problem(404, "Not Found")
        return 200, content, {"Content-Type": "application/octet-stream"}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and content of the answer, or raise Problem."""
        for known, pattern, status, handler in self._routes:
            match = re.fullmatch(pattern, path)
            if match and known == method:
                source = self._source(match.group(1))
                given = (body,) if method == "POST" else ()
                return status, handler(source, *match.groups()[1:], *given)
        raise Problem(404, "Not Found")

    def _is_known(self, authorization: str) -> bool:
        given = authorization.partition(" ")[2]
        return hmac.compare_digest(given.encode(), self._settings.token.encode())

    def _ask_for_trouble(self, body: dict[str, Any]) -> dict[str, Any]:
        """
        Make the next requests fail as GitHub's do: 5xx, or a rate limit of 403 and 429.

        `late` lets each happen before its answer is lost, and the next `after` requests are spared.
        """
        headers = {}
        if body["status"] in (403, 429):
            reset = str(int(time.time()) + int(body.get("seconds", 1)))
            headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        message = "API rate limit exceeded" if headers else "Server Error"
        problem, self._spared = Problem(int(body["status"]), message, headers), int(body.get("after", 0))
        self._trouble += [Trouble(problem, bool(body.get("late")))] * int(body["times"])
        return {"ahead": len(self._trouble)}

    def _source(self, name: str) -> Source:
        bare = Path(self._settings.repositories) / f"{name}.git"
        if not bare.is_dir():
            raise Problem(404, "Not Found")
        return Source(bare, name)

    def _branch(self, source: Source, name: str) -> Any:
        if not source.has(f"refs/heads/{name}"):
            raise Problem(404, "Branch not found")
        return source.branch(name)

    def _compare(self, source: Source, base: str, head: str) -> Any:
        if not (source.has(base) and source.has(head)):
            raise Problem(404, "Not Found")
        return source.compare(base, head)

    def _add_hook(self, source: Source, body: dict[str, Any]) -> Any:
        config = body.get("config") or {}
        if not str(config.get("url", "")).startswith("http") or config.get("content_type") != "json":
            raise Problem(422, "Validation Failed")
        if source.hooks():
            raise Problem(422, "Hook already exists on this repository")
        return source.add_hook(str(config["url"]), str(config.get("secret", "")))

    def _remove_hook(self, source: Source, number: str) -> str:
        if int(number) not in [hook["id"] for hook in source.hooks()]:
            raise Problem(404, "Not Found")
        source.remove_hook()
        return ""

    def _add_status(self, source: Source, commit: str, body: dict[str, Any]) -> Any:
        if not source.has(commit):
            raise Problem(422, f"No commit found for SHA: {commit}")
        return self._record.add_status(source.name, commit, body, self._settings.user)

    def _add_deployment(self, source: Source, body: dict[str, Any]) -> Any:
        if not source.has(str(body.get("ref", ""))):
            raise Problem(422, f"No ref found for: {body.get('ref')}")
        return self._record.add_deployment(source.name, body, self._settings.user)

    def _deployment_statuses(self, _source: Source, number: str) -> Any:
        return self._of_deployment(lambda: self._record.deployment_statuses(int(number)))

    def _add_deployment_status(self, _source: Source, number: str, body: dict[str, Any]) -> Any:
        return self._of_deployment(
            lambda: self._record.add_deployment_status(int(number), body, self._settings.user)
        )

    def _of_deployment(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except StopIteration:
            raise Problem(404, "Not Found") from None

    def _redeliver(self, source: Source, number: str, _body: dict[str, Any]) -> Any:
        try:
            source.redeliver(int(number))
        except LookupError:
            raise Problem(404, "Not Found") from None
        return {}


def server(settings: Settings) -> ThreadingHTTPServer:
    """Return a server of the API, bound and not yet serving."""
    return http.server(settings.host, settings.port, Api(settings).reply)


def _actions(settings: Settings) -> ActionsApi | None:
    if not settings.actions:
        return None
    root = Path(settings.actions)
    root.mkdir(parents=True, exist_ok=True)
    return ActionsApi(Actions(root, settings.act, settings.runners), settings.user)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body or b"{}"))
    except (ValueError, TypeError):
        raise Problem(400, "Problems parsing JSON") from None
