"""The shares that Consul wants: kept on disk, set in the process that runs, and reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from balancer import shares
from balancer.config import Config
from balancer.haproxy import HAProxy
from balancer.shares import Share
from follow.consul import Consul, Query
from follow.errors import FollowError
from follow.follower import Outcome
from follow.values import texts

WANTED = "cicd/.traffic/wanted/"
APPLIED = "cicd/.traffic/applied/"


class Traffic:
    """What was seen last."""

    well = "HAProxy has the shares that are wanted."

    def __init__(self, config: Config, haproxy: HAProxy) -> None:
        self._node, self._haproxy = config.node, haproxy
        self._consul = Consul(config)
        self._query = Query(self._consul, f"kv/{WANTED}?recurse")
        self._known: dict[str, Share] = _kept(haproxy)
        self._odd: list[str] = []

    def wait(self, seconds: float) -> None:
        """Take what Consul wants; what is unreadable stays as it was."""
        try:
            values = texts(self._query.ask(seconds), WANTED)
        except (KeyError, TypeError, ValueError):
            self._query.forget()
            raise self._consul.not_consuls() from None
        found, self._odd = shares.parse(values)
        kept = {name: self._known[name] for name in self._odd if name in self._known}
        self._known = {**kept, **found}

    def apply(self) -> Outcome:
        """Bring HAProxy to the shares that are wanted."""
        failed = self._failed()
        applied = {} if failed else {name: one for name, one in self._known.items() if name not in self._odd}
        troubles = [f"What Consul wants of {name:.60} is unreadable; its share stays." for name in self._odd]
        return Outcome({name: asdict(one) for name, one in applied.items()}, [*troubles, *failed])

    def report(self, document: Mapping[str, object]) -> None:
        """Write this load balancer's report."""
        self._consul.write(APPLIED + self._node, document)

    def forget(self) -> None:
        """Ask anew."""
        self._query.forget()

    def _failed(self) -> list[str]:
        """
        Return why the shares that are wanted are not those of HAProxy; nothing when they are.

        The process that runs gets them also where the file cannot be kept: a share may have to end now.
        """
        wanted, troubles = shares.entries(self._known), []
        for bring in (self._haproxy.keep, self._haproxy.apply):
            try:
                bring(wanted)
            except FollowError as error:
                troubles.append(str(error))
        return troubles


def _kept(haproxy: HAProxy) -> dict[str, Share]:
    """What the last process left on disk; its generations are in no file."""
    kept = haproxy.kept().items()
    return {name: Share(int(value), 0) for name, value in kept if value.isdecimal()}
