"""What a receiver was told of a project, and since when and until when: one document in Consul. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Collection, Mapping, Protocol, TypedDict, cast

from cicd.clients.github import LONGEST_WAIT_SECONDS
from cicd.clock import is_ahead
from cicd.notice_targets import ON_REQUEST

KEPT = 1200  # start, CI, package and canary of each run, alarms and drift
LEASE_SECONDS = 90
RECENT_SECONDS = 600  # how old a run may be that is told when the first one ever is
BACKOFF_SECONDS = 900
ALL = "all"


class Item(Protocol):
    """
    One thing to tell: a change of *ring*, or else something *about* a run.

    `mark` names it: the generation that is told with it, or what is said.
    """

    @property
    def ring(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def mark(self) -> str: ...


class Deployment(TypedDict):
    """A deployment at GitHub: its `commit`, and its `id` there."""

    commit: str
    id: int


class StoredTold(TypedDict, total=False):
    """The memory as Consul keeps it, see Told; a newer pack may have recorded more."""

    generation: int
    since: float
    ci: Mapping[str, str]
    deployments: Mapping[str, Deployment]
    busy: str
    busy_until: float
    not_before: float
    tries: int
    problem: str
    asked: Mapping[str, float]


@dataclass(frozen=True)
class Told:
    """
    The memory of what a receiver was told.

    Each event, by its name, was `asked` for since then, and all of them, by ALL, where none is named.
    Changes were told up to `generation`, runs are told that moved after `since`; `ci` has what was said
    last, by what it is about, `deployments` the `commit` and GitHub's `id` of each ring's last one.
    Who is `busy` tells alone until `busy_until`. The receiver is left alone until `not_before`, after that
    many `tries` and its last `problem`. All moments are epoch seconds.
    """

    generation: int
    since: float
    ci: Mapping[str, str] = field(default_factory=dict)
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    busy: str = ""
    busy_until: float = 0
    not_before: float = 0
    tries: int = 0
    problem: str = ""
    asked: Mapping[str, float] = field(default_factory=dict)

    def is_left_alone(self, now: float) -> bool:
        """Whether the receiver is told nothing *now*."""
        return is_ahead(self.not_before, now, LONGEST_WAIT_SECONDS)

    def asks(self, events: Collection[str], now: float) -> Told:
        """Return the memory of a receiver that asks for *events* from *now* on, or for all of them."""
        if not events:
            return replace(self, asked={**self.asked, ALL: self._asked_since(ALL, now)})
        return replace(self, asked={name: self._asked_since(name, now) for name in events})

    def _asked_since(self, event: str, now: float) -> float:
        if event in self.asked:
            return self.asked[event]
        if event in ON_REQUEST:  # all of them was never this one, nor did a pack of before have it
            return self.since if now - self.since <= RECENT_SECONDS else now
        return self.asked.get(ALL, now) if self.asked else self.since

    def asked_for(self, event: str, at: float) -> bool:
        """Whether the receiver asked for *event* already when it happened *at* that moment."""
        since = self.asked.get(event, self.asked.get(ALL, self.since))
        return since <= self.since or at >= since


def parse(document: StoredTold) -> Told | None:
    """Return what *document* says; None when it says up to where nothing was told yet."""
    names, given = [one.name for one in fields(Told)], dict(document)
    known = {name: value for name, value in given.items() if name in names}
    return Told(**known) if "generation" in document else None  # type: ignore[arg-type]  # as as_json wrote it


def as_json(told: Told) -> StoredTold:
    """Return *told* as plain data for the store."""
    return cast(StoredTold, asdict(told))


def claim(told: Told, who: str, now: float) -> Told | None:
    """Return *told* while *who* tells the receiver; None when somebody else does, or it is left alone."""
    if is_ahead(told.busy_until, now, LEASE_SECONDS) or told.is_left_alone(now):
        return None
    return replace(told, busy=who, busy_until=now + LEASE_SECONDS)


def mark(told: Told, one: Item) -> Told:
    """Record that *one* was told."""
    if one.ring:
        return replace(told, generation=max(told.generation, int(one.mark)))
    ci = {**{about: said for about, said in told.ci.items() if about != one.about}, one.about: one.mark}
    return replace(told, ci=dict(list(ci.items())[-KEPT:]))


def back_off(told: Told, seconds: float, problem: str, now: float) -> Told:
    """Leave the receiver alone for *seconds*, or for longer the more often it said so."""
    wait = min(seconds * 2 ** min(told.tries, 5), max(seconds, BACKOFF_SECONDS))
    return replace(told, tries=told.tries + 1, not_before=now + wait, problem=problem)
