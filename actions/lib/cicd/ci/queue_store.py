"""The lane of one project, as it is kept in Consul, beside its runs."""

from __future__ import annotations

import time
from typing import Callable

from cicd.ci import build_queue, run
from cicd.ci.build_queue import Lane, QueueEntry, StoredLane
from cicd.ci.push import Push
from cicd.ci.runs import Runs
from cicd.store.store import Store


class Turns:
    """Whose turn it is in one project, and how far each run came."""

    def __init__(self, store: Store, project: str) -> None:
        self.store = store
        self.project = project
        self.runs = Runs(store, project)
        self._key = f"cicd/{project}/lane"

    def lane(self) -> Lane:
        """Return the lane as it is now."""
        return build_queue.from_json(self.store.json(self._key, StoredLane) or {})

    def see(self, push: Push) -> None:
        """Record where *push* moved the branch."""
        self._change(lambda known: _seen(known, push))

    def take(self, push: Push) -> str:
        """
        Give *push* a turn and return the commit it waits for: empty when it may start at once,
        its own when a newer push took the turn already.
        """

        def entered(known: Lane) -> Lane:
            now = _seen(known, push)
            late = not push.asked and build_queue.is_older(known, push.commit, push.before)
            return now if late else build_queue.enter(now, push.commit)

        now = self._change(entered)
        if not build_queue.has(now, push.commit):
            newer = now.head or now.running
            self._supersede(push.commit, newer.commit if newer else "")
            return push.commit
        running = now.running.commit if now.running else ""
        return "" if running == push.commit else running

    def enter(self, commit: str) -> Lane:
        """Give *commit*, whose run lost its turn, one again, and return the lane."""
        return self._change(lambda known: build_queue.enter(known, commit))

    def end(self, commit: str) -> str:
        """End the turn of *commit* and return the commit whose turn came by that; empty for none."""
        was, now = self._changed(lambda known: build_queue.leave(known, commit))
        return now.running.commit if now.running and now.running != was.running else ""

    def passed(self, commit: str, order: int) -> None:
        """Record that *commit* passed CI."""
        self._change(lambda known: build_queue.mark_passed(known, QueueEntry(commit, order)))

    def _change(self, change: Callable[[Lane], Lane]) -> Lane:
        return self._changed(change)[1]

    def _changed(self, change: Callable[[Lane], Lane]) -> tuple[Lane, Lane]:
        def changed(document: StoredLane) -> StoredLane:
            return build_queue.to_json(change(build_queue.from_json(document)))

        was, now = map(build_queue.from_json, self.store.update(self._key, changed))
        for commit, by in build_queue.superseded(was, now).items():
            self._supersede(commit, by)
        return was, now

    def _supersede(self, commit: str, by: str) -> None:
        self.runs.advance(commit, run.supersede(time.time(), by))


def _seen(known: Lane, push: Push) -> Lane:
    if push.asked:
        return known
    return build_queue.record_move(known, push.commit, push.before, push.delivery)
