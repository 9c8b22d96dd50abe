"""Which build host takes a run: a healthy one, the least busy, and not one that failed a moment ago."""

from __future__ import annotations

import time
from collections import Counter
from typing import Collection, Mapping, Sequence

from cicd import identifiers
from cicd.config import Settings
from cicd.errors import Refused
from cicd.release.host import Host
from cicd.store.store import Store

# No project's name begins with a dot.
TAKEN = "cicd/.builders"
FAILED = "cicd/.failed-builders"
AVOID_SECONDS = 600
SESSION_LIMIT_SECONDS = 86400
# In Consul a build host has, beside the tag of all of them, one for each architecture that it builds for.
ARCHITECTURE_TAG = "arch-"


def choose(
    hosts: Sequence[Host], busy: Mapping[str, int], avoided: Collection[str], commit: str
) -> Host | None:
    """
    Return the host of *hosts* with the fewest runs in *busy*, or None when there is none.

    One of *avoided*, which failed a moment ago, is taken only when there is no other; among
    equals the *commit* decides, so that runs that start at once spread.
    """
    if not hosts:
        return None
    turn = int(identifiers.check("commit", commit)[:8], 16)
    ranked = sorted(hosts, key=lambda host: host.name)
    order = {host.name: (number - turn) % len(ranked) for number, host in enumerate(ranked)}
    return min(ranked, key=lambda host: (host.name in avoided, busy.get(host.name, 0), order[host.name]))


def find_host(store: Store, service: str, tag: str, commit: str) -> Host:
    """Return one healthy host of *service* with *tag*, to read on; commits spread over them."""
    host = choose(_hosts(store, service, tag), {}, (), commit)
    if host is None:
        raise Refused(
            f"No healthy host offers {service} ({tag}) in Consul.",
            "Start one, or check `package` in the configuration.",
        )
    return host


def architectures_of(tags: Sequence[str]) -> list[str]:
    """Return the architectures that the *tags* of a build host name."""
    return [tag[len(ARCHITECTURE_TAG) :] for tag in tags if tag.startswith(ARCHITECTURE_TAG)]


def _hosts(store: Store, service: str, tag: str) -> list[Host]:
    return [found.host() for found in store.healthy(service, tag)]


class Builders(Store):
    """The build hosts in Consul, with the runs that each has taken; entries of dead runs expire."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        section = settings.package
        self._service, self._tag = section.service, section.tag
        self._seconds = min(4 * section.timeout, SESSION_LIMIT_SECONDS)

    def take(self, run: str, commit: str, excluded: Sequence[str] = (), architecture: str = "") -> Host:
        """
        Return the host for *run*, which counts as busy from now on; never one of *excluded*.

        With an *architecture* it is one that carries its tag.
        """
        for name in excluded:
            self.give_back(run, name)
            self._note(f"{FAILED}/{name}", AVOID_SECONDS)
        host = self._taken(run, commit, excluded, architecture)
        if host is None:
            raise self._none(excluded, architecture)
        return host

    def take_another(self, run: str, commit: str, first: str, architecture: str = "") -> Host:
        """Return another host than *first* for *run*, to build the same on; Refused when there is none."""
        host = self._taken(run, commit, (first,), architecture)
        if host is None:
            raise Refused(
                f"{first} is the only healthy build host, {self._service} ({self._tags(architecture)}) "
                "in Consul.",
                "Start a second one, or set `verify_reproducible` to report.",
            )
        return host

    def architectures(self) -> Mapping[str, Sequence[str]]:
        """Return the healthy build hosts by name, each with the architectures of which it carries the tag."""
        found = self.healthy(self._service, self._tag)
        return {one.name: architectures_of(one.tags) for one in found}

    def give_back(self, run: str, name: str) -> None:
        """Record that *run* does not need the host *name* any more."""
        _, item = self.ask(lambda c: c.kv.get(f"{TAKEN}/{name}/{run}"))
        if item and item.get("Session"):
            self.ask(lambda c: c.session.destroy(item["Session"]))

    def _taken(self, run: str, commit: str, excluded: Sequence[str], architecture: str) -> Host | None:
        """Return the host that *run* takes, none of *excluded*; None when there is none."""
        tag = ARCHITECTURE_TAG + architecture if architecture else ""
        found = [one for one in self.healthy(self._service, self._tag) if one.carries(tag)]
        hosts = [one.host() for one in found if one.name not in excluded]
        host = choose(hosts, self._busy(), self._failed(), commit)
        if host:
            self._note(f"{TAKEN}/{host.name}/{identifiers.check('run', run)}", self._seconds)
        return host

    def _busy(self) -> Mapping[str, int]:
        return Counter(key.split("/")[2] for key in self.keys(f"{TAKEN}/"))

    def _failed(self) -> set[str]:
        return {key.rpartition("/")[2] for key in self.keys(f"{FAILED}/")}

    def _note(self, key: str, seconds: int) -> None:
        """Set *key* to now, until its session is destroyed or *seconds* have passed."""
        ttl = max(10, seconds)
        session = self.ask(lambda c: c.session.create(name=key, behavior="delete", ttl=ttl, lock_delay=0))
        self.ask(lambda c: c.kv.put(key, str(int(time.time())), acquire=session))

    def _tags(self, architecture: str) -> str:
        return " and ".join([self._tag, *([ARCHITECTURE_TAG + architecture] if architecture else [])])

    def _none(self, excluded: Sequence[str], architecture: str) -> Refused:
        but = f" but {', '.join(excluded)}, which failed," if excluded else ""
        return Refused(
            f"No healthy host{but} offers {self._service} ({self._tags(architecture)}) in Consul.",
            "Start one, or check `package` in the configuration, then run the workflow again.",
        )
