"""What refuses: the rules that every version passes on its way to a ring. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence, Tuple

from cicd.errors import Refused
from cicd.release import approvals, holds
from cicd.release.approvals import NO_POLICY, Policy
from cicd.release.firing import SILENCE, Alarms, refuse_alarmed
from cicd.release.record import EVERYTHING, HEALTHY, Build, Release
from cicd.release.verification import Proof, refuse_unproven
from cicd.release.version import BUILT, comes_before, order


def promotable(
    release: Release,
    when: float,
    min_bake: int,
    *,
    policy: Policy = NO_POLICY,
    proof: Proof | None = None,
    alarms: Alarms = SILENCE,
) -> Build:
    """
    Return the only build that production may get now, or refuse with the reason.

    It is the canary: healthy on every host (as *proof* says of this moment), without one of the
    *alarms*, baked *min_bake* seconds, newer than production, not rolled back from there, held by
    nobody, and approved as *policy* wants. What waiting ends is said last.
    """
    build = _healthy_canary(release)
    if proof:
        refuse_unproven(proof, release.project, build.version, "canary")
    refuse_alarmed(alarms, release.project, build.version)
    _refuse_step_back(release, build)
    _refuse_promotion(release, build.version)
    reviews = release.reviews_of(build.version)
    approvals.refuse_unreviewed(policy, release.project, build.version, build.authors, reviews, when)
    _refuse_unbaked(release, build, when, min_bake)
    return build


def refuse_deploy(release: Release, version: str) -> None:
    """Raise Refused when *version* may not be deployed to any ring now."""
    holds.refuse_deploy(release.around, EVERYTHING, version)
    holds.refuse_deploy(release.holds, release.project, version)


def refuse_vetoed(release: Release, version: str) -> None:
    """Raise Refused when *version* is vetoed."""
    holds.refuse_deploy(replace(release.holds, lock=None), release.project, version)


def nothing_good(release: Release, ring: str, vetoed: Sequence[str]) -> Refused:
    """Return why *ring* cannot go back: what it ran well before is *vetoed*, or there is nothing."""
    name = release.project
    if not vetoed:
        return Refused(
            f"{name} has no earlier good version on {ring} to go back to.", "Push a corrected commit."
        )
    first = vetoed[0]
    veto = release.holds.vetoes[first]
    return Refused(
        f"{name} has no earlier good version on {ring} to go back to: {first} was vetoed by "
        f"{veto.who or 'somebody'}: {veto.why}.",
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


def _healthy_canary(release: Release) -> Build:
    canary = release.canary
    if canary.wanted is None and canary.stop:
        raise Refused(
            f"{release.project} has no canary: the deploy of {canary.stop.version} failed "
            f"{canary.stop.sentence}",
            "Correct that and push a commit.",
        )
    if canary.wanted is None:
        raise Refused(
            f"{release.project} has no canary, so there is nothing to promote.",
            f"Push a commit, or run `st2 run cicd.deploy project={release.project} version=…`.",
        )
    if canary.state != HEALTHY:
        raise Refused(
            f"{release.project} {canary.wanted.version} is not healthy on every canary host yet: "
            "its deploy has not ended well.",
            "Wait for the canary deploy, or look at why it stopped, then promote again.",
        )
    return canary.wanted


def _refuse_unbaked(release: Release, build: Build, when: float, min_bake: int) -> None:
    baked = max(0.0, when - release.canary.since)
    if baked < min_bake:
        raise Refused(
            f"{release.project} {build.version} has been canary for {baked:.0f} s of the {min_bake} s "
            "it must bake.",
            f"Promote again in {min_bake - baked:.0f} s.",
        )


def _refuse_step_back(release: Release, build: Build) -> None:
    production = release.production
    if production.wanted and is_older(release, build.version, production.wanted.version):
        raise Refused(
            f"{release.project} {build.version} is older than {production.wanted.version} in production.",
            "Push a newer commit; only a newer canary can be promoted.",
        )
    if build.version in release.rolled_back:
        again = f"st2 run cicd.deploy project={release.project} version={build.version}"
        raise Refused(
            f"{release.project} {build.version} was rolled back from production.",
            f"Push a corrected commit; if it was not at fault, deploy it to the canary again ({again}).",
        )


def _refuse_promotion(release: Release, version: str) -> None:
    holds.refuse_promotion(release.around, EVERYTHING, version)
    holds.refuse_promotion(release.holds, release.project, version)
    if release.window:
        raise Refused(
            f"{release.project} is in a freeze window until {release.window.until}: {release.window.reason}.",
            "Promote after that. A rollback needs no thaw.",
        )
