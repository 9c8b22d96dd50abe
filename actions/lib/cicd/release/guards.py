"""What refuses: the rules that every version passes on its way to a ring. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence, Tuple

from cicd.errors import Refused
from cicd.release import approvals, holds, judging
from cicd.release.analysis_policy import AnalysisPolicy
from cicd.release.approvals import NO_POLICY, Policy
from cicd.release.firing import SILENCE, Alarms, refuse_alarmed
from cicd.release.lifecycle import PRODUCTION
from cicd.release.record import EVERYTHING, HEALTHY, Build, Release
from cicd.release.verification import Proof, refuse_unproven
from cicd.release.version import BUILT, comes_before, order

NOT_LOOKED: Mapping[str, Proof] = {}
NOT_JUDGED: Mapping[str, AnalysisPolicy] = {}


def promotable(
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
) -> Build:
    """
    Return the only build that *ring* may get now, or refuse with the reason.

    It is what every ring before it runs: healthy on every host there (as *proofs*, by ring, say of this
    moment), without one of the *alarms*, found bad on none and good where *analyses*, by ring, require it,
    baked (*min_bake* seconds where that ring says nothing else), newer than what *ring* wants, not rolled
    back, held by nobody, and approved as *policy* wants. What waiting ends is said last. *by_itself* means
    that no person asks.
    """
    before = release.lifecycle.stage(ring).after
    build = _same([(name, _healthy(release, name)) for name in before], release.project, ring)
    for name in before:
        if name in proofs:
            refuse_unproven(proofs[name], release.project, build.version, name)
    refuse_alarmed(alarms, release.project, build.version)
    for name in before:
        judging.refuse_bad(release, name)
    _refuse_step_back(release, ring, build)
    _refuse_promotion(release, ring, build.version)
    reviews = release.reviews_of(build.version)
    approvals.refuse_unreviewed(policy, release.project, build.version, build.authors, reviews, when)
    for name in before:
        _refuse_unbaked(release, name, build, when, min_bake)
        if name in analyses:
            needed = bake(release, name, when, min_bake)[1]
            judging.refuse_unjudged(release, name, analyses[name], needed, when, by_itself)
    return build


def refuse_deploy(release: Release, version: str) -> None:
    """Raise Refused when *version* may not be deployed to any ring now."""
    holds.refuse_deploy(release.around, EVERYTHING, version)
    holds.refuse_deploy(release.holds, release.project, version)


def refuse_vetoed(release: Release, version: str) -> None:
    """Raise Refused when *version* is vetoed."""
    holds.refuse_deploy(replace(release.holds, lock=None), release.project, version)


def first_good(release: Release, ring: str, *candidates: Build | None) -> Build:
    """Return the first of *candidates* that is not vetoed; refused when there is none."""
    known = [build for build in candidates if build]
    for build in known:
        if build.version not in release.holds.vetoes:
            return build
    raise _nothing_good(release, ring, [build.version for build in known])


def _nothing_good(release: Release, ring: str, vetoed: Sequence[str]) -> Refused:
    """Return why *ring* cannot go back: what it ran well before is *vetoed*, or there is nothing."""
    name = release.project
    if not vetoed:
        return Refused(
            f"{name} has no earlier good version on {ring} to roll back to.", "Push a corrected commit."
        )
    first = vetoed[0]
    veto = release.holds.vetoes[first]
    return Refused(
        f"{name} has no earlier good version on {ring} to roll back to: {first} was vetoed by "
        f"{veto.who or 'someone'}: {veto.why}.",
        f"Push a corrected commit. If the veto is wrong: {holds.lifting(name, first)}, "
        f"then `{holds.rollback(name, ring)}`.",
    )


def is_older(release: Release, version: str, than: str) -> bool:
    """Return whether *version* comes before the other one; what this pipeline did not build has no place."""
    return all(map(BUILT.fullmatch, (version, than))) and place(release, version) < place(release, than)


def place(release: Release, version: str) -> Tuple[object, ...]:
    """Return what *version*, built by this pipeline, sorts by: dpkg's order within the accepted history."""
    began = release.new_history
    is_new = began and version not in began.older and not comes_before(version, began.version)
    return bool(is_new), *order(version)


def refuse_moved(release: Release, ring: str, generation: int) -> None:
    """Raise Refused when *ring* is not at *generation* any more, about which an alarm was judged."""
    if release.ring(ring).generation != generation:
        raise Refused(
            f"{release.project} on {ring} moved on while an alarm about it was judged.",
            "Nothing was changed because of the alarm.",
        )


def _same(proven: Sequence[Tuple[str, Build]], project: str, ring: str) -> Build:
    """Return the build that all rings before *ring* run; refused where they run several."""
    if not proven:
        raise Refused(
            f"{ring} is the first ring of {project}, so nothing is promoted to it.",
            f"Deploy there: st2 run cicd.deploy project={project} version=…",
        )
    versions = {build.version for _, build in proven}
    if len(versions) > 1:
        said = ", ".join(f"{name} runs {build.version}" for name, build in proven)
        raise Refused(
            f"The rings before {ring} of {project} do not run the same version: {said}.",
            "Promote one version to all of them first.",
        )
    return proven[0][1]


def _healthy(release: Release, name: str) -> Build:
    """Return what the ring *name* runs, once its deploy has ended well."""
    current, project = release.ring(name), release.project
    if current.wanted is None:
        raise _nothing_there(release, name)
    if current.state != HEALTHY:
        raise Refused(
            f"{project} {current.wanted.version} is not healthy on every {name} host yet: "
            "its deploy has not ended well.",
            f"Wait for the {name} deploy, or look at why it stopped, then promote again.",
        )
    return current.wanted


def bake(release: Release, name: str, when: float, min_bake: int) -> tuple[float, int]:
    """Return the seconds for which the ring *name* is as it is, and those that its version must bake."""
    needed = release.lifecycle.stage(name).bake_seconds(min_bake)
    return max(0.0, when - release.ring(name).since), needed


def _refuse_unbaked(release: Release, name: str, build: Build, when: float, min_bake: int) -> None:
    baked, needed = bake(release, name, when, min_bake)
    if baked < needed:
        raise Refused(
            f"{release.project} {build.version} has been {name} for {baked:.0f} s of the {needed} s "
            "it must bake.",
            f"Promote again in {needed - baked:.0f} s.",
        )


def _nothing_there(release: Release, name: str) -> Refused:
    ended, project = release.ring(name).stop, release.project
    if ended:
        return Refused(
            f"{project} has no {name}: the deploy of {ended.version} failed {ended.sentence}",
            "Correct that and push a commit.",
        )
    hint = f"Push a commit, or run `st2 run cicd.deploy project={project} version=…`."
    if name != release.lifecycle.first:
        hint = f"Promote a version there first: st2 run cicd.promote project={project} ring={name}"
    return Refused(f"{project} has no {name}, so there is nothing to promote.", hint)


def _refuse_step_back(release: Release, ring: str, build: Build) -> None:
    wanted = release.ring(ring).wanted
    if wanted and is_older(release, build.version, wanted.version):
        raise Refused(
            f"{release.project} {build.version} is older than {wanted.version} in {ring}.",
            f"Push a newer commit; only a newer {release.lifecycle.first} can be promoted.",
        )
    if build.version in release.rolled_back:
        again = f"st2 run cicd.deploy project={release.project} version={build.version}"
        raise Refused(
            f"{release.project} {build.version} was rolled back from {_rolled_back_from(release)}.",
            f"Push a corrected commit; if it was not at fault, deploy it to the {release.lifecycle.first} "
            f"again ({again}).",
        )


def _rolled_back_from(release: Release) -> str:
    later = release.lifecycle.names[1:]
    return later[0] if len(later) == 1 else "a later ring"


def _refuse_promotion(release: Release, ring: str, version: str) -> None:
    holds.refuse_promotion(release.around, EVERYTHING, version)
    holds.refuse_promotion(release.holds, release.project, version)
    window = release.windows.get(ring)
    if window:
        raise Refused(
            f"{release.project} is in a freeze window until {window.until}: {window.reason}.",
            "Promote after that. A rollback is always allowed.",
        )
