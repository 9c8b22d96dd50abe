"""The release of a project: which version each ring is wanted to run. Pure: no clock, no I/O."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Mapping

from cicd import holds
from cicd.errors import CicdError, Refused
from cicd.holds import Holds
from cicd.version import commits_of

RINGS = ("canary", "production")
EMPTY = "empty"  # nothing was ever wanted here
DEPLOYING = "deploying"  # a deploy walks the ring: only it may touch hosts
RESTORING = "restoring"  # a failed deploy is being undone: hosts go back by themselves, too
HEALTHY = "healthy"  # every host of the ring ran it, healthy, when the deploy ended
DEGRADED = "degraded"  # all but a few hosts ran it, as many as the budget allows; those converge alone
STOPPED = "stopped"  # a failed deploy that nobody undid: a person says how it goes on


@dataclass(frozen=True)
class Build:
    """A published package: the only thing that a ring can be wanted to run."""

    version: str
    package: str
    commit: str
    sha256: str
    trace: str


@dataclass(frozen=True)
class Ring:
    """
    What one ring is wanted to run.

    `generation` is the release's when `wanted` last changed; `since` the epoch second
    when `state` did. `good` was the last to end healthy, `earlier` the one before it.
    `exempt` is a step back: people's holds do not stop hosts from following it.
    """

    state: str = EMPTY
    wanted: Build | None = None
    good: Build | None = None
    earlier: Build | None = None
    generation: int = 0
    since: float = 0.0
    exempt: bool = False


@dataclass(frozen=True)
class Release:
    """The record of one project; every change of it raises `generation`."""

    project: str
    generation: int = 0
    canary: Ring = Ring()
    production: Ring = Ring()
    holds: Holds = field(default_factory=Holds)

    def ring(self, name: str) -> Ring:
        """Return the ring called *name*."""
        return self.production if name == "production" else self.canary


@dataclass(frozen=True)
class Cause:
    """Who changes a release, why, when (epoch seconds), and in which execution."""

    who: str
    why: str
    when: float
    execution: str = ""


def advertise_canary(release: Release, build: Build, when: float) -> Release:
    """Want *build* on the canary ring, unless a newer build is already there or people hold it."""
    holds.refuse_deploy(release.holds, release.project, build.version)
    wanted = release.canary.wanted
    if wanted and commits_of(build.version) < commits_of(wanted.version):
        raise Refused(
            f"{release.project} {build.version} is older than {wanted.version}, which is already the canary.",
            f"Deploy a newer commit, or go back with `rollback {release.project}`.",
        )
    return _want(release, "canary", build, when)


def confirm(release: Release, ring: str, generation: int, when: float) -> Release:
    """Record that every host of *ring* runs what *generation* wanted, healthy."""
    current = _current(release, ring, generation)
    earlier = current.earlier if current.good == current.wanted else current.good
    state = HEALTHY if current.wanted else EMPTY
    return _with(
        release, ring, replace(current, state=state, since=when, good=current.wanted, earlier=earlier)
    )


def degrade(release: Release, ring: str, generation: int, when: float) -> Release:
    """Record that *ring* runs what *generation* wanted, but for the hosts that the budget let fail."""
    return _with(release, ring, replace(_current(release, ring, generation), state=DEGRADED, since=when))


def stop(release: Release, ring: str, generation: int, when: float) -> Release:
    """Record that the deploy of *generation* failed and stays as it is; hosts wait for a person."""
    return _with(release, ring, replace(_current(release, ring, generation), state=STOPPED, since=when))


def promote(release: Release, when: float, min_bake: int) -> Release:
    """Want on production what is canary, if that is healthy and baked *min_bake* seconds."""
    return _want(release, "production", promotable(release, when, min_bake), when)


def promotable(release: Release, when: float, min_bake: int) -> Build:
    """Return the only build that production may get now, or refuse with the reason."""
    canary = release.canary
    if canary.wanted is None:
        raise Refused(
            f"{release.project} has no canary, so there is nothing to promote.",
            f"Push a commit, or run `st2 run cicd.deploy project={release.project} version=…`.",
        )
    label = f"{release.project} {canary.wanted.version}"
    if canary.state != HEALTHY:
        raise Refused(
            f"{label} is not healthy on every canary host yet: its deploy has not ended well.",
            "Wait for the canary deploy, or look at why it stopped, then promote again.",
        )
    left = min_bake - (when - canary.since)
    if left > 0:
        raise Refused(
            f"{label} has been canary for {when - canary.since:.0f} s of the {min_bake} s it must bake.",
            f"Promote again in {left:.0f} s.",
        )
    holds.refuse_promotion(release.holds, release.project, canary.wanted.version)
    return canary.wanted


def restore(release: Release, ring: str, generation: int, when: float) -> Release:
    """Want again what *ring* last ran well, after the deploy of *generation* failed."""
    current = _current(release, ring, generation)
    return _want(release, ring, current.good, when, RESTORING, exempt=True)


def roll_back(release: Release, ring: str, when: float) -> Release:
    """Want on *ring* the good version before the present one; no bake, no approval."""
    current = release.ring(ring)
    target = current.earlier if current.wanted == current.good else current.good
    if target is None or target.version in release.holds.vetoes:
        raise Refused(
            f"{release.project} has no earlier good version on {ring} to go back to.",
            f"Deploy a version that you know: st2 run cicd.deploy project={release.project} version=…",
        )
    changed = _want(release, ring, target, when, exempt=True)
    # The version left behind was not good after all: neither a restore nor a second rollback returns to it.
    return _with(changed, ring, replace(changed.ring(ring), good=target, earlier=None), changed.generation)


def hold(release: Release, changed: Holds) -> Release:
    """Return *release* with *changed* holds; what rings are wanted to run stays."""
    return replace(release, generation=release.generation + 1, holds=changed)


def held(release: Release, ring: str) -> str:
    """Return why hosts of *ring* must not move by themselves now: lock, freeze, pin, veto or nothing."""
    current = release.ring(ring)
    version = current.wanted.version if current.wanted else ""
    if current.exempt:
        return "veto" if version in release.holds.vetoes else ""
    return holds.word(release.holds, ring, version)


def wanted_document(release: Release, ring: str) -> str:
    """Return what the ring's hosts read: `key=value` lines that a POSIX shell can take in one GET."""
    current = release.ring(ring)
    build, hold = current.wanted, held(release, ring)
    if build is None:
        return f"version=\ngeneration={current.generation}\nrollout=open\nhold={hold}\n"
    rollout = "pushed" if current.state in (DEPLOYING, STOPPED) else "open"
    return (
        f"package={build.package}\nversion={build.version}\ngeneration={current.generation}\n"
        f"sha256={build.sha256}\nrollout={rollout}\nhold={hold}\n"
    )


def audit(before: Release, after: Release, what: str, ring: str, cause: Cause) -> dict[str, Any]:
    """Return the history entry of one change: who did what, why, when, from what to what."""
    old, new = before.ring(ring).wanted, after.ring(ring).wanted
    traced = new or old
    return {
        "generation": after.generation,
        "project": after.project,
        "what": what,
        "ring": ring,
        "from": old.version if old else None,
        "to": new.version if new else None,
        "trace": traced.trace if traced else None,
        **asdict(cause),
    }


def to_json(release: Release) -> dict[str, Any]:
    """Return *release* as plain data for the store."""
    return asdict(release)


def from_json(data: Mapping[str, Any]) -> Release:
    """Return the release stored as *data*; unreadable data means stop."""
    try:
        rings = {name: _ring(data[name]) for name in RINGS}
        return Release(
            project=data["project"],
            generation=int(data["generation"]),
            holds=holds.from_json(data.get("holds")),
            **rings,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CicdError(
            f"The stored release is unreadable ({error!r}); nothing may be deployed from it.",
            "Compare it with cicd/<project>/history in Consul, and repair it by hand.",
        ) from None


def _ring(data: Mapping[str, Any]) -> Ring:
    builds = {key: Build(**data[key]) if data[key] else None for key in ("wanted", "good", "earlier")}
    return Ring(
        state=data["state"],
        generation=int(data["generation"]),
        since=float(data["since"]),
        exempt=bool(data.get("exempt", False)),
        **builds,
    )


def _current(release: Release, ring: str, generation: int) -> Ring:
    current = release.ring(ring)
    if current.generation != generation:
        raise Refused(
            f"{release.project} moved on: {ring} is at generation {current.generation}, "
            f"this deploy was of {generation}.",
            f"A newer deploy has taken over; see `st2 run cicd.get_release project={release.project}`.",
        )
    return current


def _want(
    release: Release,
    ring: str,
    build: Build | None,
    when: float,
    state: str = DEPLOYING,
    exempt: bool = False,
) -> Release:
    generation = release.generation + 1
    changed = replace(
        release.ring(ring),
        wanted=build,
        state=state if build else EMPTY,
        since=when,
        generation=generation,
        exempt=exempt,
    )
    return _with(release, ring, changed, generation)


def _with(release: Release, ring: str, changed: Ring, generation: int = 0) -> Release:
    number = generation or release.generation + 1
    if ring == "production":
        return replace(release, generation=number, production=changed)
    return replace(release, generation=number, canary=changed)
