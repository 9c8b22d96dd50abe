"""The release of a project: which version each ring is wanted to run. Pure: no clock, no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from cicd import holds, people
from cicd.errors import Refused
from cicd.firing import SILENCE, Alarms
from cicd.guards import is_older, refuse_deploy, refuse_vetoed
from cicd.guards import promotable as promotable
from cicd.holds import Holds
from cicd.people import NO_POLICY, Policy, Review
from cicd.proof import Proof, refuse_unproven
from cicd.record import DEGRADED as DEGRADED
from cicd.record import DEPLOYING as DEPLOYING
from cicd.record import EMPTY as EMPTY
from cicd.record import HEALTHY as HEALTHY
from cicd.record import RESTORING as RESTORING
from cicd.record import RINGS as RINGS
from cicd.record import STOPPED as STOPPED
from cicd.record import Build as Build
from cicd.record import NewHistory
from cicd.record import Release as Release
from cicd.record import Ring as Ring
from cicd.version import comes_before

ROLLED_BACK_KEPT = 100


def advertise_canary(release: Release, build: Build, when: float) -> Release:
    """Want *build* on the canary ring, unless a newer build is already there or people hold it."""
    refuse_deploy(release, build.version)
    wanted = release.canary.wanted
    if wanted and is_older(release, build.version, wanted.version):
        raise Refused(
            f"{release.project} {build.version} is older than {wanted.version}, which is already the canary.",
            f"Deploy a newer commit, or go back with `rollback {release.project}`. If git's history was "
            "replaced, raise `version` in fpm.json, or accept the new history: "
            f"st2 run cicd.deploy project={release.project} version={build.version} new_history=true",
        )
    return _want(_looked_at_anew(release, build.version), "canary", build, when)


def accept_history(release: Release, version: str, published: Iterable[str]) -> Release:
    """Let *version* begin a new history: all that is *published* or deployed comes before what follows."""
    others = {*published, *_named(release)} - {version}
    older = {other for other in others if not comes_before(other, version)}
    return replace(release, new_history=NewHistory(version, tuple(sorted(older))))


def confirm(release: Release, ring: str, generation: int, when: float, proof: Proof | None = None) -> Release:
    """Record that every host of *ring* runs what *generation* wanted, healthy, as *proof* says."""
    current = _proven(release.project, ring, _current(release, ring, generation), proof)
    earlier = current.earlier if current.good == current.wanted else current.good
    state = HEALTHY if current.wanted else EMPTY
    return _with(
        release, ring, replace(current, state=state, since=when, good=current.wanted, earlier=earlier)
    )


def degrade(release: Release, ring: str, generation: int, when: float, proof: Proof | None = None) -> Release:
    """Record that *ring* runs what *generation* wanted, but for the hosts that the budget let fail."""
    current = _proven(release.project, ring, _unended(release, ring, generation), proof)
    return _with(release, ring, replace(current, state=DEGRADED, since=when))


def stop(release: Release, ring: str, generation: int, when: float) -> Release:
    """Record that the deploy of *generation* failed and stays as it is; hosts wait for a person."""
    return _with(release, ring, replace(_unended(release, ring, generation), state=STOPPED, since=when))


def promote(
    release: Release,
    when: float,
    min_bake: int,
    *,
    policy: Policy = NO_POLICY,
    proof: Proof | None = None,
    alarms: Alarms = SILENCE,
) -> Release:
    """Want on production what is canary, if everything that promotable asks for is there."""
    build = promotable(release, when, min_bake, policy=policy, proof=proof, alarms=alarms)
    return _want(release, "production", build, when)


def restore(release: Release, ring: str, generation: int, when: float) -> Release:
    """Want again what *ring* last ran well, after the deploy of *generation* failed; once, not twice."""
    current = _unended(release, ring, generation)
    if current.state == RESTORING:
        raise Refused(
            f"{release.project} was taken back on {ring} once already, and its hosts did not get well.",
            f"Look at the hosts; then deploy, or `rollback {ring} {release.project}`.",
        )
    if current.good is None:
        return _want(release, ring, None, when, RESTORING, exempt=True, backward=True)
    return _step_back(
        release, ring, _first_good(release, ring, current.good, current.earlier), when, RESTORING
    )


def roll_back(release: Release, ring: str, when: float, automatic: bool = False) -> Release:
    """
    Want on *ring* the good version before the present one; no bake, no approval, no hold.

    *automatic* (an alarm asks, not a person) goes back once from what was deployed, never twice.
    """
    current = release.ring(ring)
    if automatic and current.exempt:
        raise Refused(
            f"{release.project} was taken back on {ring} already; an alarm takes it back once.",
            f"Look at it. `rollback {ring} {release.project}` by hand goes further back.",
        )
    candidates = (current.earlier,) if current.wanted == current.good else (current.good, current.earlier)
    changed = _step_back(release, ring, _first_good(release, ring, *candidates), when, DEPLOYING)
    # The version left behind was not good after all: neither a restore nor a second rollback returns to it.
    changed = _with(changed, ring, replace(changed.ring(ring), earlier=None), changed.generation)
    return _left_behind(changed, current.wanted) if ring == "production" else changed


def break_glass(release: Release, build: Build, when: float) -> Release:
    """Want *build* on production past every guard but a veto: the one exception, for a role and a reason."""
    refuse_vetoed(release, build.version)
    return _want(release, "production", build, when, exempt=True)


def review(release: Release, version: str, who: str, given: Review) -> Release:
    """Record what *who* says of *version*, which must be the canary still."""
    wanted = release.canary.wanted
    if wanted is None or wanted.version != version:
        now = f"the canary is {wanted.version} now" if wanted else "there is no canary"
        raise Refused(
            f"{release.project} {version} cannot be reviewed: {now}.",
            f"See: st2 run cicd.get_release project={release.project}",
        )
    if given.approves:
        refuse_vetoed(release, version)
    reviews = people.reviewed(release.reviews, version, who, given, _named(release))
    return replace(release, generation=release.generation + 1, reviews=reviews)


def refuse_overtaken(release: Release, ring: str, generation: int) -> None:
    """
    Raise Refused when the deploy of *generation* must not touch another host of *ring*.

    A lock or freeze that came later lets it end; a veto or a pin is about its version. Once it has
    ended, or was stolen, whoever goes on begins something, which a lock stops.
    """
    current = _current(release, ring, generation)
    wanted = current.wanted
    if not wanted or current.exempt:
        return
    refuse_vetoed(release, wanted.version)
    if current.state not in (DEPLOYING, RESTORING):
        refuse_deploy(release, wanted.version)
    if ring == "production":
        changed = replace(release.holds, lock=None, freeze=None)
        holds.refuse_promotion(changed, release.project, wanted.version)


def steal(release: Release, taken: Holds, ring: str, when: float) -> Release:
    """
    Return *release* with *taken* holds and the deploy of *ring* stopped for good.

    Its generation is an old one then: neither host nor record takes anything from it.
    """
    number = release.generation + 1
    stopped = replace(release.ring(ring), state=STOPPED, since=when, generation=number)
    return _with(replace(release, holds=taken), ring, stopped, number)


def hold(release: Release, changed: Holds) -> Release:
    """Return *release* with *changed* holds; what rings are wanted to run stays."""
    return replace(release, generation=release.generation + 1, holds=changed)


def held(release: Release, ring: str) -> str:
    """Return why hosts of *ring* must not move by themselves now: lock, freeze, pin, veto or nothing."""
    current = release.ring(ring)
    version = current.wanted.version if current.wanted else ""
    if current.exempt:
        return "veto" if version in release.holds.vetoes else ""
    frozen = "freeze" if release.window and ring == "production" else ""
    return holds.word(release.holds, ring, version) or holds.word(release.around, ring, version) or frozen


def wanted_document(release: Release, ring: str) -> str:
    """Return what the ring's hosts read: `key=value` lines that a POSIX shell can take in one GET."""
    current = release.ring(ring)
    build, hold = current.wanted, held(release, ring)
    if build is None:
        return f"version=\ngeneration={current.generation}\nrollout=open\nhold={hold}\n"
    rollout = "pushed" if current.state in (DEPLOYING, STOPPED) else "open"
    return (
        f"package={build.package}\nversion={build.version}\ngeneration={current.generation}\n"
        f"sha256={build.sha256}\ntrace={build.trace}\nrollout={rollout}\nhold={hold}\n"
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


def _unended(release: Release, ring: str, generation: int) -> Ring:
    current = _current(release, ring, generation)
    if current.state == HEALTHY:
        raise Refused(
            f"The deploy of generation {generation} of {release.project} to {ring} has ended well already.",
            f"To go back: st2 run cicd.rollback project={release.project} ring={ring}",
        )
    return current


def _proven(project: str, ring: str, current: Ring, proof: Proof | None) -> Ring:
    if proof and current.wanted:
        refuse_unproven(proof, project, current.wanted.version, ring)
    return current


def _want(
    release: Release,
    ring: str,
    build: Build | None,
    when: float,
    state: str = DEPLOYING,
    exempt: bool = False,
    backward: bool = False,
) -> Release:
    generation = release.generation + 1
    current = release.ring(ring)
    changed = replace(
        current,
        wanted=build,
        state=state if build else EMPTY,
        since=when,
        generation=generation,
        exempt=exempt,
        backward=backward,
    )
    return _with(release, ring, changed, generation)


def _named(release: Release) -> set[str]:
    rings = (release.canary, release.production)
    return {build.version for r in rings for build in (r.wanted, r.good, r.earlier) if build}


def _looked_at_anew(release: Release, version: str) -> Release:
    """Who deploys a version to the canary again clears it of a rollback, but of nobody's rejection."""
    kept = tuple(name for name in release.rolled_back if name != version)
    return replace(release, rolled_back=kept, reviews=people.rejections(release.reviews, version))


def _left_behind(release: Release, build: Build | None) -> Release:
    if build is None:
        return release
    others = [name for name in release.rolled_back if name != build.version]
    return replace(release, rolled_back=(*others, build.version)[-ROLLED_BACK_KEPT:])


def _with(release: Release, ring: str, changed: Ring, generation: int = 0) -> Release:
    number = generation or release.generation + 1
    if ring == "production":
        return replace(release, generation=number, production=changed)
    return replace(release, generation=number, canary=changed)


def _first_good(release: Release, ring: str, *candidates: Build | None) -> Build:
    for build in candidates:
        if build and build.version not in release.holds.vetoes:
            return build
    raise Refused(
        f"{release.project} has no earlier good version on {ring} to go back to.",
        f"Deploy a version that you know: st2 run cicd.deploy project={release.project} version=…",
    )


def _step_back(release: Release, ring: str, target: Build, when: float, state: str) -> Release:
    changed = _want(release, ring, target, when, state, exempt=True, backward=True)
    current = changed.ring(ring)
    earlier = None if target == current.earlier else current.earlier
    return _with(changed, ring, replace(current, good=target, earlier=earlier), changed.generation)
