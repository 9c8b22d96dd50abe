"""StackStorm's REST API, as the cases use it."""

from __future__ import annotations

import os
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

# A cluster takes seconds for what st2local does in milliseconds: wait longer, and ask less often.
PATIENCE = 5 if os.environ.get("ST2_API_URL") else 1
PAUSE = 0.02 * PATIENCE**2
COMPLETED = ("succeeded", "failed", "timeout", "canceled", "abandoned")


class Rest:
    """One StackStorm (or st2local), and the right to use it."""

    def __init__(self, api_url: str, headers: dict[str, str]) -> None:
        # A program, unlike a browser, keeps no cookie: each request says itself who asks.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self.client = httpx.Client(
            base_url=api_url, headers=headers, timeout=60 * PATIENCE, trust_env=False, cookies=no_cookies
        )

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Send a request."""
        if body is not None:
            more["json"] = body
        return self.client.request(method, path, **more)

    def get(self, path: str) -> Any:
        """Return what is at a path; raises on anything but 200."""
        answer = self.ask("GET", path)
        answer.raise_for_status()
        return answer.json()

    def start(self, action: str, parameters: dict[str, Any] | None = None, **more: Any) -> Any:
        """Ask for an execution; raises with the server's sentence."""
        body = {"action": action, "parameters": parameters or {}, **more}
        answer = self.ask("POST", "/executions", body)
        assert answer.status_code == 201, f"{answer.status_code}: {answer.text}"
        return answer.json()

    def wait(self, identifier: str, statuses: tuple[str, ...] = COMPLETED, seconds: float = 60) -> Any:
        """Return an execution once it has one of the statuses; raises AssertionError when it never has."""
        deadline = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < deadline:
            found = self.get(f"/executions/{identifier}")
            if found["status"] in statuses:
                return found
            time.sleep(PAUSE)
        raise AssertionError(
            f"{identifier} is {found['status']}, not one of {statuses}: {found.get('result')}"
        )

    def run(self, action: str, parameters: dict[str, Any] | None = None, **more: Any) -> Any:
        """Ask for an execution and return it once it has ended."""
        return self.wait(self.start(action, parameters, **more)["id"])

    def first(self, path: str, seconds: float = 60) -> Any:
        """Return the first entry of a list once it has one; raises AssertionError when it never has."""
        deadline = time.monotonic() + seconds * PATIENCE
        while not (found := self.get(path)):
            assert time.monotonic() < deadline, f"{path} stays empty"
            time.sleep(PAUSE)
        return found[0]

    def children(self, identifier: str) -> list[Any]:
        """Return what ran under an execution, oldest first."""
        found: list[Any] = self.get(f"/executions/{identifier}/children")
        return sorted(found, key=lambda one: (one["start_timestamp"], one["id"]))
