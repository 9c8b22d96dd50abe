"""Visitors of the demo's site: each has a cookie and asks again and again through HAProxy."""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from demo.world import World

MANY = 5000  # who come in turn
PAUSE_SECONDS = 0.005  # the same machine deploys meanwhile


class Visitors:
    """They come one after the other while a `with` block runs; which host answered is counted."""

    def __init__(self, world: World) -> None:
        proxy = world.description["haproxy"]
        self._site, self._cookie = urlsplit(proxy["url"]), proxy["cookie"]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._come)
        self.answered: Counter[str] = Counter()
        self.failures: list[str] = []

    def __enter__(self) -> Visitors:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def share_of(self, hosts: list[dict[str, Any]]) -> float:
        """Return which percentage of what was counted the *hosts* answered."""
        ours = sum(self.answered[host["name"]] for host in hosts)
        return 100 * ours / max(1, self.answered.total())

    def _come(self) -> None:
        pool = HTTPConnectionPool(self._site.hostname or "", self._site.port, timeout=10, retries=False)
        visitor = 0
        while not self._done.wait(PAUSE_SECONDS):
            visitor = (visitor + 1) % MANY
            try:
                answer = pool.request("GET", "/version", headers={"Cookie": f"{self._cookie}=v{visitor}"})
                self.answered[answer.json()["host"]] += 1
            except (HTTPError, ValueError, KeyError) as error:
                self.failures.append(str(error))
