"""Consul's answers, each kept by a thread that waits for the next one."""

from __future__ import annotations

import random
import threading
from collections.abc import Collection

from follow.consul import Consul, Query
from follow.errors import FollowError

WAIT_SECONDS = 60
PAUSE_SECONDS = 0.1  # between two answers: a path that changes all the time is looked at ten times a second
FIRST_RETRY, LONGEST_RETRY = 1.0, 15.0


class Watches:
    """The answers to all paths that were asked for."""

    def __init__(self, consul: Consul) -> None:
        self._consul = consul
        self._changed = threading.Event()
        self._known: dict[str, _Watch] = {}

    def read(self, path: str) -> object:
        """Return the last answer to *path* below /v1/; FollowError when there is none yet."""
        if path not in self._known:
            self._known[path] = _Watch(Query(self._consul, path), self._changed)
        return self._known[path].answer

    def wait(self, seconds: float) -> None:
        """Return once an answer changed, or *seconds* have passed; FollowError while Consul gives none."""
        self._changed.wait(seconds)
        self._changed.clear()
        for watch in self._known.values():
            if watch.trouble:
                raise FollowError(watch.trouble)

    def forget(self) -> None:
        """Let the next wait return at once."""
        self._changed.set()

    def keep(self, paths: Collection[str]) -> None:
        """End the threads of all paths but *paths*."""
        for path in [one for one in self._known if one not in paths]:
            self._known.pop(path).end()


class _Watch(threading.Thread):
    """Asks one query for ever, the first time before anything else can go on."""

    def __init__(self, query: Query, changed: threading.Event) -> None:
        super().__init__(daemon=True)
        self._query, self._changed, self._ended = query, changed, threading.Event()
        self.trouble = ""
        self.answer = query.ask(0)
        self.start()

    def run(self) -> None:
        retry = FIRST_RETRY
        while not self._ended.wait(PAUSE_SECONDS):
            try:
                answer = self._query.ask(WAIT_SECONDS)
            except FollowError as error:
                self._query.forget()
                self._note(self.answer, str(error))
                self._ended.wait(retry * random.uniform(0.5, 1))
                retry = min(retry * 2, LONGEST_RETRY)
            else:
                self._note(answer, "")
                retry = FIRST_RETRY

    def end(self) -> None:
        self._ended.set()

    def _note(self, answer: object, trouble: str) -> None:
        is_news = answer != self.answer or trouble != self.trouble
        self.answer, self.trouble = answer, trouble
        if is_news and not self._ended.is_set():
            self._changed.set()
