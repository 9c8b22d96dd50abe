"""
A deploying process that dies where it is told to: `deploy_process.py URL TTL COMMAND GENERATION AT WHEN`.

It counts its requests to Consul and sends itself SIGKILL `before` or `after` request AT. What needs
hosts is left to the other tests: the store, the lock and the decisions are the real ones.
"""

import os
import signal
import sys
import time

from cicd.clients import consul
from cicd.release import transitions
from cicd.release.record import Build, Cause
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.store import Store
from tests.lib.consul_settings import settings

PROJECT, RING = "greeter", "canary"


def build(commits: int) -> Build:
    return Build(f"1.0-{commits}.{commits:07x}", PROJECT, f"{commits:040x}", "0" * 64, "acme/greeter@x")


class Deploying:
    """The steps of a deploy, as cicd.deploy.deploy takes them."""

    def __init__(self, url: str, ttl: int, who: str) -> None:
        known = settings(url, deploy={"lock_ttl_seconds": ttl})
        self.store, self.lock = Store(known), Lock(known, PROJECT, RING)
        self.holder = Holder(who, "deploy", f"execution of {who}", time.time())

    def begin(self, commits: int) -> int:
        session = self.lock.acquire(self.holder)
        decide = lambda r: transitions.advertise_canary(r, build(commits), time.time())  # noqa: E731
        return self._change("advertise_canary", decide, session)

    def restore(self, generation: int) -> int:
        session = self.lock.resume(generation, self.holder)
        return self._change(
            "restore", lambda r: transitions.restore(r, RING, generation, time.time()), session
        )

    def confirm(self, generation: int) -> int:
        session = self.lock.resume(generation, self.holder)
        changed = self._change(
            "confirm", lambda r: transitions.confirm(r, RING, generation, time.time()), session
        )
        self.lock.release(session)
        return changed

    def _change(self, what, decide, session: str) -> int:
        cause, fence = Cause(self.holder.who, "deploy", time.time()), self.lock.fence(session, self.holder)
        return self.store.change(PROJECT, what, RING, cause, decide, fence).ring(RING).generation


def die_at(number: int, when: str) -> None:
    send, seen = consul.Impatient.send, [0]

    def counted(self, *arguments, **options):
        seen[0] += 1
        if seen[0] == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = send(self, *arguments, **options)
        if seen[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    consul.Impatient.send = counted


if __name__ == "__main__":
    url, ttl, command, number, at, when = sys.argv[1:]
    worker = Deploying(url, int(ttl), "the one that dies")
    die_at(int(at), when)
    getattr(worker, command)(int(number))
