"""The record of a release: its data, as plain data, and the history entry of each change of it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Dict, Iterable, Mapping, cast

from cicd.clock import SKEW_SECONDS
from cicd.errors import CicdError
from cicd.release import analysis, holds, stop, traffic
from cicd.release.analysis import Analysis
from cicd.release.approvals import Review, Reviews
from cicd.release.freeze_windows import Opened
from cicd.release.holds import Holds
from cicd.release.lifecycle import CANARY, PAIR, PRODUCTION, Lifecycle
from cicd.release.stop import Stop
from cicd.release.stored import (
    HistoryEntry,
    StoredBuild,
    StoredHistory,
    StoredRelease,
    StoredReview,
    StoredRing,
)
from cicd.release.traffic import Traffic

LAST_GENERATION = 999_999_999_999
EVERYTHING = "everything"  # in place of a project: what holds every one of them
EMPTY = "empty"  # nothing was ever wanted here
DEPLOYING = "deploying"  # a deploy walks the ring: only it may touch hosts
RESTORING = "restoring"  # a failed deploy is being undone: hosts go back by themselves, too
HEALTHY = "healthy"  # every host of the ring ran it, healthy, when the deploy ended
DEGRADED = "degraded"  # all but a few hosts ran it, as many as the budget allows; those converge alone
STOPPED = "stopped"  # a failed deploy that nobody undid: a person says how it goes on
# A record has kept these names of a ring's fields since the first one was written.
STORED = {"last_good": "good", "previous_good": "earlier", "ignores_holds": "exempt"}


@dataclass(frozen=True)
class Sibling:
    """Another package that hosts install with the first one of a release."""

    package: str
    sha256: str


@dataclass(frozen=True)
class Build:
    """
    A published release: the only thing that a ring can be wanted to run.

    `package` is its first package, and `siblings` are what hosts install beside it. Its `authors` may not
    approve it.
    """

    version: str
    package: str
    commit: str
    sha256: str
    trace: str
    authors: tuple[str, ...] = field(default=(), compare=False)
    siblings: tuple[Sibling, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """Names of all that hosts install, the first package's first."""
        return tuple(dict.fromkeys((self.package, *(one.package for one in self.siblings))))

    @property
    def digests(self) -> tuple[str, ...]:
        """The sha256 of all that hosts install, the first package's first."""
        return (self.sha256, *(one.sha256 for one in self.siblings))


@dataclass(frozen=True)
class Ring:
    """
    What one ring is wanted to run.

    `generation` is the release's when `wanted` last changed; `since` the epoch second when `state` did.
    `last_good` is what it ran when a deploy here last ended well.
    `previous_good` is what it ran well before that: where a rollback goes.
    `ignores_holds` is true of a step back or a broken glass: people's holds keep no host from following.
    `backward` is true of a step back: its hosts change all at once as far as capacity allows, and who
    cannot be reached is not waited for. `tries` counts how often that was begun.
    `stop` says why the last deploy here did not end well; the next one forgets it. `analysis` is the last
    one that was begun; without it, another begins by itself. `traffic` is the share of the requests that
    anybody wanted for it; without it its hosts are as any other.
    """

    state: str = EMPTY
    wanted: Build | None = None
    last_good: Build | None = None
    previous_good: Build | None = None
    generation: int = 0
    since: float = 0.0
    ignores_holds: bool = False
    backward: bool = False
    tries: int = 0
    stop: Stop | None = None
    analysis: Analysis | None = None
    traffic: Traffic | None = None

    @property
    def builds(self) -> tuple[Build, ...]:
        """What it wants, and what it ran well before."""
        return tuple(build for build in (self.wanted, self.last_good, self.previous_good) if build)

    @property
    def share(self) -> float | None:
        """Which percentage of the requests is wanted for it; None when its hosts are as any other."""
        return self.traffic.share if self.traffic else None

    @property
    def judged(self) -> Analysis | None:
        """The analysis of what it wants now; None when there is none, or one of an earlier deploy."""
        known = self.analysis
        return known if known and known.generation == self.generation else None

    @property
    def is_open(self) -> bool:
        """Whether its hosts converge by themselves: no deploy walks it, and it waits for no person."""
        return self.state != DEPLOYING and (self.state != STOPPED or self.backward)


@dataclass(frozen=True)
class NewHistory:
    """Somebody accepted that git's history begins anew with *version*; those of *older* come before it."""

    version: str
    older: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """
    The record of one project; every change of it raises `generation`.

    A ring of which nothing is recorded is not among `rings`. `reviews` are by version and then by
    person; `rolled_back` are the versions that a ring but the first was rolled back from, oldest first,
    without those that somebody deployed to the first ring again. Not
    recorded but found when it is read: `around`, what holds every project, `windows`, the freeze
    window that is open on a ring, and the `lifecycle` that orders the rings.
    """

    project: str
    generation: int = 0
    rings: Mapping[str, Ring] = field(default_factory=dict)
    holds: Holds = field(default_factory=Holds)
    reviews: Reviews = field(default_factory=dict)
    rolled_back: tuple[str, ...] = ()
    new_history: NewHistory | None = None
    around: Holds = field(default_factory=Holds, compare=False)
    windows: Mapping[str, Opened] = field(default_factory=dict, compare=False)
    lifecycle: Lifecycle = field(default=PAIR, compare=False)

    def ring(self, name: str) -> Ring:
        """Return the ring called *name*; an empty one when nothing is recorded of it."""
        return self.rings.get(name) or Ring()

    @property
    def first(self) -> Ring:
        """The ring that every version comes to first."""
        return self.ring(self.lifecycle.first)

    @property
    def canary(self) -> Ring:
        """The ring that may get a share of the requests."""
        return self.ring(self.lifecycle.canary)

    @property
    def builds(self) -> tuple[Build, ...]:
        """What any ring wants, and what it ran well before."""
        return tuple(build for ring in self.rings.values() for build in ring.builds)

    def with_ring(self, name: str, changed: Ring) -> Release:
        """Return the release with the ring *name* as it was *changed*."""
        return replace(self, rings={**self.rings, name: changed})

    def reviews_of(self, version: str) -> Mapping[str, Review]:
        """Return what people said of *version*, by person."""
        return self.reviews.get(version, {})


@dataclass(frozen=True)
class Cause:
    """
    Who changes a release, why, when (epoch seconds), and in which execution.

    `trace` is of the commit that the change is about, when that is not the ring's.
    """

    who: str
    why: str
    when: float
    execution: str = ""
    trace: str = ""


def audit(before: Release, after: Release, what: str, ring: str, cause: Cause) -> HistoryEntry:
    """Return the history entry of one change: who did what, why, when, from what to what."""
    old, new = before.ring(ring).wanted, after.ring(ring).wanted
    traced = new or old
    entry: HistoryEntry = {
        "who": cause.who,
        "why": cause.why,
        "when": cause.when,
        "execution": cause.execution,
        "generation": after.generation,
        "project": after.project,
        "what": what,
        "ring": ring,
        "from": old.version if old else None,
        "to": new.version if new else None,
        "trace": cause.trace or (traced.trace if traced else None),
        "cancelled": _cancelled(before, after),
        "state": after.ring(ring).state,
        "stop": stop.to_json(_new_stop(before.ring(ring), after.ring(ring))),
    }
    found = after.ring(ring).analysis
    if found and found != before.ring(ring).analysis:
        entry["analysis"] = analysis.to_json(found)
    return entry


def surrounded(
    release: Release, around: Holds, windows: Mapping[str, Opened], lifecycle: Lifecycle
) -> Release:
    """Return *release* with what holds every project, the freeze windows that are open, and its order."""
    return replace(release, around=around, windows=windows, lifecycle=lifecycle)


def not_ahead(release: Release, now: float) -> Release:
    """Return *release* with each `since` of a ring *now* where it lies far ahead: the clock was set back."""

    def bound(since: float) -> float:
        return now if since - now > SKEW_SECONDS else since

    def near(ring: Ring) -> Ring:
        share = ring.traffic and replace(ring.traffic, since=bound(ring.traffic.since))
        return replace(ring, since=bound(ring.since), traffic=share)

    return replace(release, rings={name: near(ring) for name, ring in release.rings.items()})


def to_json(release: Release) -> StoredRelease:
    """Return *release* as plain data for the store."""
    data = asdict(replace(surrounded(release, Holds(), {}, PAIR), rings={}))
    rings = {name: _stored(asdict(ring, dict_factory=_plain)) for name, ring in release.rings.items()}
    kept = {key: value for key, value in data.items() if key not in NOT_STORED}
    own = {name: rings.pop(name, EMPTY_RING) for name in PAIR.names}
    return cast(StoredRelease, {**kept, **own, **({"rings": rings} if rings else {})})


def from_json(data: StoredRelease) -> Release:
    """Return the release stored as *data*; unreadable data means stop."""
    try:
        pair = {CANARY: _ring(data["canary"]), PRODUCTION: _ring(data["production"])}
        others = {str(name): _ring(ring) for name, ring in (data.get("rings") or {}).items()}
        return Release(
            project=data["project"],
            generation=_generation(data),
            rings={name: ring for name, ring in {**pair, **others}.items() if ring != Ring()},
            holds=holds.from_json(data.get("holds")),
            reviews=_reviews(data.get("reviews") or {}, pair[CANARY]),
            rolled_back=_rolled_back(data, pair),
            new_history=_new_history(data.get("new_history")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CicdError(
            f"The stored release is unreadable ({error!r}); nothing may be deployed from it.",
            "Compare it with cicd/<project>/history in Consul, and repair it by hand.",
        ) from None


def _plain(items: Iterable[tuple[str, object]]) -> dict[str, object]:
    """What a build or a ring does not have is written as it was before any had it."""
    return {name: value for name, value in items if (name, value) not in NOT_HAD}


def _stored(ring: Mapping[str, object]) -> dict[str, object]:
    return {STORED.get(name, name): value for name, value in ring.items()}


NOT_HAD = (("siblings", ()), ("analysis", None), ("traffic", None))
NOT_STORED = ("around", "windows", "lifecycle", "rings")
# A record has both rings of a pair, whichever its lifecycle has.
EMPTY_RING = _stored(asdict(Ring(), dict_factory=_plain))


def _generation(data: StoredRelease | StoredRing) -> int:
    """Return the generation in *data*; hosts compare no number above LAST_GENERATION."""
    generation = int(data["generation"])
    if not 0 <= generation <= LAST_GENERATION:
        raise ValueError(f"generation {generation}")
    return generation


def _ring(data: StoredRing) -> Ring:
    return Ring(
        state=data["state"],
        generation=_generation(data),
        since=float(data["since"]),
        ignores_holds=bool(data.get("exempt", False)),
        backward=bool(data.get("backward", data["state"] == RESTORING)),
        tries=int(data.get("tries", 0)),
        stop=stop.from_json(data.get("stop")),
        analysis=analysis.from_json(data.get("analysis")),
        traffic=traffic.from_json(data.get("traffic")),
        wanted=_build(data["wanted"]),
        last_good=_build(data["good"]),
        previous_good=_build(data["earlier"]),
    )


def _reviews(data: dict[str, dict[str, StoredReview]], canary: Ring) -> dict[str, dict[str, Review]]:
    """Records from before reviews belonged to versions have those of the canary, by person."""
    if any(isinstance(given.get("approves"), bool) for given in data.values()):
        of_canary = cast(Dict[str, StoredReview], data)
        data = {canary.wanted.version: of_canary} if canary.wanted else {}
    return {version: {who: Review(**one) for who, one in given.items()} for version, given in data.items()}


def _rolled_back(data: StoredRelease, rings: Mapping[str, Ring]) -> tuple[str, ...]:
    """Older records have one version, `left`; a deploy of it to the canary that came later made it good."""
    if "rolled_back" in data:
        return tuple(str(version) for version in data["rolled_back"])
    left, canary = str(data["production"].get("left") or ""), rings[CANARY]
    again = canary.wanted and canary.wanted.version == left and not canary.ignores_holds
    is_later = canary.generation > rings[PRODUCTION].generation
    return (left,) if left and not (again and is_later) else ()


def _new_stop(before: Ring, after: Ring) -> Stop | None:
    return after.stop if after.stop != before.stop else None


def _cancelled(before: Release, after: Release) -> list[str]:
    gone = (set(before.reviews_of(version)) - set(after.reviews_of(version)) for version in before.reviews)
    return sorted(set().union(*gone))


def _new_history(data: StoredHistory | None) -> NewHistory | None:
    return NewHistory(str(data["version"]), tuple(map(str, data["older"]))) if data else None


def _build(data: StoredBuild | None) -> Build | None:
    if not data:
        return None
    authors = tuple(data.get("authors") or filter(None, [data.get("author")]))
    names = ("version", "package", "commit", "sha256", "trace")
    siblings = tuple(Sibling(**one) for one in data.get("siblings") or ())
    texts = {name: str(value) for name, value in data.items() if name in names}
    return Build(**texts, authors=authors, siblings=siblings)
