"""The release of a project: which version each ring is wanted to run. Pure: no clock, no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Mapping, Sequence

from cicd.errors import Overtaken, Refused
from cicd.release import approvals, holds, shares, traffic, waiting
from cicd.release.analysis import Analysis
from cicd.release.analysis_policy import AnalysisPolicy
from cicd.release.approvals import NO_POLICY, Policy, Review
from cicd.release.blame import blamed, overcome
from cicd.release.firing import SILENCE, Alarms
from cicd.release.guards import NOT_JUDGED, NOT_LOOKED, first_good, is_older, refuse_deploy, refuse_vetoed
from cicd.release.guards import promotable as promotable
from cicd.release.holds import Holds
from cicd.release.lifecycle import PRODUCTION
from cicd.release.record import DEGRADED as DEGRADED
from cicd.release.record import DEPLOYING as DEPLOYING
from cicd.release.record import EMPTY as EMPTY
from cicd.release.record import HEALTHY as HEALTHY
from cicd.release.record import RESTORING as RESTORING
from cicd.release.record import STOPPED as STOPPED
from cicd.release.record import Build as Build
from cicd.release.record import NewHistory
from cicd.release.record import Release as Release
from cicd.release.record import Ring as Ring
from cicd.release.stop import Stop, went_back_badly
from cicd.release.verification import Proof, refuse_unproven
from cicd.release.version import comes_before
from cicd.release.wanted import held as held
from cicd.release.wanted import wanted_document as wanted_document

ROLLED_BACK_KEPT = 100
RESTORE_TRIES = 3


def advertise_canary(release: Release, build: Build, when: float) -> Release:
    """Want *build* on the first ring, unless a newer build is already there or people hold it."""
    refuse_deploy(release, build.version)
    first = release.lifecycle.first
    wanted = release.first.wanted
    if wanted and is_older(release, build.version, wanted.version):
        raise Refused(
            f"{release.project} {build.version} is older than {wanted.version}, "
            f"which is already the {first}.",
            "Deploy a newer commit. If git's history was "
            "replaced, raise `version` in fpm.json, or accept the new history: "
            f"st2 run cicd.deploy project={release.project} version={build.version} new_history=true",
        )
    return _want(_looked_at_anew(release, build.version), first, build, when)


def accept_history(release: Release, version: str, published: Iterable[str]) -> Release:
    """Let *version* begin a new history: all that is *published* or deployed comes before what follows."""
    others = {*published, *_named(release)} - {version}
    older = {other for other in others if not comes_before(other, version)}
    return replace(release, new_history=NewHistory(version, tuple(sorted(older))))


def confirm(release: Release, ring: str, generation: int, when: float, proof: Proof | None = None) -> Release:
    """Record that every host of *ring* runs what *generation* wanted, healthy, as *proof* says."""
    current = _proven(release.project, ring, _current(release, ring, generation), proof)
    previous_good = current.previous_good if current.last_good == current.wanted else current.last_good
    state = HEALTHY if current.wanted else EMPTY
    ended = replace(
        current, state=state, since=when, last_good=current.wanted, previous_good=previous_good, tries=0
    )
    return shares.ended(_with(release, ring, replace(ended, stop=overcome(current))), when)


def degrade(release: Release, ring: str, generation: int, when: float, proof: Proof | None = None) -> Release:
    """Record that *ring* runs what *generation* wanted, but for the hosts that the budget let fail."""
    current = _proven(release.project, ring, _unended(release, ring, generation), proof)
    return _with(release, ring, replace(current, state=DEGRADED, since=when, stop=overcome(current)))


def stop(release: Release, ring: str, generation: int, when: float) -> Release:
    """
    Record that the deploy of *generation* failed and stays as it is; a person says how it goes on.

    Its hosts wait for that, unless they were going back: they do so by themselves still.
    """
    return _with(release, ring, replace(_unended(release, ring, generation), state=STOPPED, since=when))


def promote(
    release: Release,
    when: float,
    min_bake: int,
    *,
    ring: str = PRODUCTION,
    policy: Policy = NO_POLICY,
    proofs: Mapping[str, Proof] = NOT_LOOKED,
    alarms: Alarms = SILENCE,
    analyses: Mapping[str, AnalysisPolicy] = NOT_JUDGED,
    by_itself: bool = False,
) -> Release:
    """Want on *ring* what the rings before it run, if everything that promotable asks for is there."""
    build = promotable(
        release, when, min_bake, ring=ring, policy=policy, proofs=proofs, alarms=alarms,
        analyses=analyses, by_itself=by_itself,
    )  # fmt: skip
    return _want(release, ring, build, when)


def restore(
    release: Release, ring: str, generation: int, when: float, why: Stop | None = None, left: bool = False
) -> Release:
    """
    Undo the deploy of *generation*, which ended as *why* says: want again what *ring* last ran well.

    A going-back that did not succeed is begun again, RESTORE_TRIES times in all. The ring is stopped
    after that, where there is nothing to go back to, and when a failed deploy is *left* to a person.
    """
    current = _unended(release, ring, generation)
    ended = blamed(current, why or Stop("", f"the deploy of generation {generation} failed"))
    known = _with(release, ring, replace(current, stop=ended), release.generation)
    if left and not current.backward:
        return stop(known, ring, generation, when)
    if current.last_good is None:
        return _want(known, ring, None, when, RESTORING, ignores_holds=True, backward=True)
    tries = current.tries + 1 if current.state == RESTORING else 1
    if tries > RESTORE_TRIES:
        return stop(known, ring, generation, when)
    try:
        target = first_good(release, ring, current.last_good, current.previous_good)
    except Refused as refusal:
        return _stopped_half(known, ring, when, refusal)
    back = _step_back(known, ring, target, when, RESTORING)
    return _with(back, ring, replace(back.ring(ring), tries=tries), back.generation)


def roll_back(release: Release, ring: str, when: float, automatic: bool = False) -> Release:
    """
    Want on *ring* the good version before the present one; no bake, no approval, no hold.

    *automatic* (an alarm asks, not a person) goes back once from what was deployed, never twice.
    """
    current = release.ring(ring)
    if automatic and current.ignores_holds:
        raise Refused(
            f"{release.project} was rolled back on {ring} already; an alarm rolls it back at most once.",
            "Look at it; a person decides whether to roll back further.",
        )
    candidates = (
        (current.previous_good,)
        if current.wanted == current.last_good
        else (current.last_good, current.previous_good)
    )
    changed = _step_back(release, ring, first_good(release, ring, *candidates), when, DEPLOYING)
    # The version left behind was not good after all: neither a restore nor a second rollback returns to it.
    changed = _with(changed, ring, replace(changed.ring(ring), previous_good=None), changed.generation)
    return _left_behind(changed, current.wanted) if ring != release.lifecycle.first else changed


def break_glass(release: Release, build: Build, when: float, ring: str = PRODUCTION) -> Release:
    """Want *build* on *ring* past every guard but a veto: the one exception, for a role and a reason."""
    refuse_vetoed(release, build.version)
    return _want(release, ring, build, when, ignores_holds=True)


def review(release: Release, version: str, who: str, given: Review) -> Release:
    """Record what *who* says of *version*, which must wait for a promotion still."""
    awaited = {build.version for build in waiting.awaiting(release)}
    if version not in awaited:
        first = release.lifecycle.first
        now = f"the {first} is {' and '.join(sorted(awaited))} now" if awaited else f"there is no {first}"
        raise Refused(
            f"{release.project} {version} cannot be reviewed: {now}.",
            f"See: st2 run cicd.get_release project={release.project}",
        )
    if given.approves:
        refuse_vetoed(release, version)
    reviews = approvals.reviewed(release.reviews, version, who, given, _named(release))
    return replace(release, generation=release.generation + 1, reviews=reviews)


def judge(release: Release, ring: str, known: Analysis) -> Release:
    """Record what an analysis of *ring* came to."""
    return _with(release, ring, replace(release.ring(ring), analysis=known))


def refuse_overtaken(release: Release, ring: str, generation: int) -> None:
    """
    Raise Refused when the deploy of *generation* must not touch another host of *ring*.

    A lock or freeze that came later lets it end; a veto or a pin is about its version. Once it has
    ended, or was stolen, whoever goes on begins something, which a lock stops.
    """
    current = _current(release, ring, generation)
    wanted = current.wanted
    if not wanted or current.ignores_holds:
        return
    refuse_vetoed(release, wanted.version)
    if current.state not in (DEPLOYING, RESTORING):
        refuse_deploy(release, wanted.version)
    if ring != release.lifecycle.first:
        changed = replace(release.holds, lock=None, freeze=None)
        holds.refuse_promotion(changed, release.project, wanted.version)


def steal(release: Release, taken: Holds, ring: str, when: float) -> Release:
    """
    Return *release* with *taken* holds and the deploy of *ring* stopped for good.

    Its generation is an old one then: neither host nor record takes anything from it.
    """
    number = release.generation + 1
    current, lock = release.ring(ring), taken.lock
    whose = f"{lock.who or 'someone'} took over its lock: {lock.why}" if lock else "its lock was taken over"
    ended = blamed(current, Stop("", whose, when=when))
    stopped = replace(current, state=STOPPED, since=when, generation=number, backward=False, stop=ended)
    return _with(replace(release, holds=taken), ring, stopped, number)


def hold(release: Release, changed: Holds) -> Release:
    """Return *release* with *changed* holds; what rings are wanted to run stays."""
    return replace(release, generation=release.generation + 1, holds=changed)


def _current(release: Release, ring: str, generation: int) -> Ring:
    current = release.ring(ring)
    if current.generation != generation:
        raise Overtaken(
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
            f"See what else can be done: st2 run cicd.get_release project={release.project}",
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
    ignores_holds: bool = False,
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
        ignores_holds=ignores_holds,
        backward=backward,
        tries=0,
        stop=current.stop if backward else None,
        analysis=None,
        traffic=traffic.begun(current.traffic, _steps(release, ring), backward, generation, when),
    )
    return _with(release, ring, changed, generation)


def _steps(release: Release, ring: str) -> Sequence[float]:
    return next((stage.traffic for stage in release.lifecycle.stages if stage.name == ring), ())


def _stopped_half(release: Release, ring: str, when: float, refusal: Refused) -> Release:
    """There is nothing to go back to: the ring stays as it is, and what may serve serves."""
    current = release.ring(ring)
    ended = went_back_badly(current.stop, refusal.message, refusal.hint) if current.stop else None
    return _with(release, ring, replace(current, state=STOPPED, since=when, stop=ended))


def _named(release: Release) -> set[str]:
    return {build.version for build in release.builds}


def _looked_at_anew(release: Release, version: str) -> Release:
    """Who deploys a version to the first ring again clears it of a rollback, but of nobody's rejection."""
    kept = tuple(name for name in release.rolled_back if name != version)
    return replace(release, rolled_back=kept, reviews=approvals.rejections(release.reviews, version))


def _left_behind(release: Release, build: Build | None) -> Release:
    if build is None:
        return release
    others = [name for name in release.rolled_back if name != build.version]
    return replace(release, rolled_back=(*others, build.version)[-ROLLED_BACK_KEPT:])


def _with(release: Release, ring: str, changed: Ring, generation: int | None = None) -> Release:
    number = release.generation + 1 if generation is None else generation
    return replace(release.with_ring(ring, changed), generation=number)


def _step_back(release: Release, ring: str, target: Build, when: float, state: str) -> Release:
    changed = _want(release, ring, target, when, state, ignores_holds=True, backward=True)
    current = changed.ring(ring)
    previous_good = None if target == current.previous_good else current.previous_good
    return _with(
        changed, ring, replace(current, last_good=target, previous_good=previous_good), changed.generation
    )
