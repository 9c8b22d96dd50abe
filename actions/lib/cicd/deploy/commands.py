"""Every change of which version a ring is wanted to run, decided on what is known at one moment. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import dropwhile
from typing import Callable, Collection, Sequence, TypeVar

from cicd import access
from cicd.ci import authors, ci_gate, run
from cicd.ci.authors import Authors
from cicd.ci.github_push import UNKNOWN
from cicd.ci.run import StoredRun
from cicd.deploy import evidence, planned, requirements
from cicd.errors import Refused
from cicd.fleet import rollout_log
from cicd.package import built
from cicd.release import firing, guards, judging, transitions, waiting
from cicd.release.host import Host
from cicd.release.lifecycle import BY_ITSELF
from cicd.release.record import DEPLOYING, STOPPED, Build, Release
from cicd.release.stop import Stop
from cicd.repository import package_records
from cicd.sanitize import one_line
from cicd.store.change import Change
from cicd.store.snapshot import Snapshot

Decided = TypeVar("Decided")


def advertise_canary(seen: Snapshot, build: Build, who: str, before: Collection[str] | None = None) -> Change:
    """
    Want the published *build*, which *who* deploys, on the first ring, whose hosts must all be reachable.

    What was published *before* comes before it, whatever dpkg says; None leaves the order to dpkg.
    """
    seen.deployable_hosts(seen.release.lifecycle.first)
    refuse_unpublished(seen, build)
    known, why = seen.release, f"deploy {build.version}"
    if before is not None:
        known = transitions.accept_history(known, build.version, before)
        why += " as the first of a new history"
    after = transitions.advertise_canary(known, _authored(seen, build, who), seen.now)
    return Change(after, "advertise_canary", why)


def next_production(known: Release, done: Collection[str]) -> tuple[str, bool]:
    """
    Return the production ring that is promoted to next, and whether no other one follows it.

    Those that are *done* are left out, and the first ones that have what comes to them, unless all have.
    """
    left, behind = [name for name in known.lifecycle.productions if name not in done], waiting.behind(known)
    going = list(dropwhile(lambda name: name not in behind, left)) or left
    return going[0], len(going) == 1


def promotable(seen: Snapshot, ring: str, by_itself: bool = False) -> Build:
    """
    Return what the rings before *ring* run; refused unless it may go there at this very moment.

    *by_itself* means that no person asks.
    """
    seen.refuse_unreached(ring)
    build = _at_this_moment(seen, ring, guards.promotable, by_itself)
    ci_gate.refuse_uncleared(seen.items, seen.project.name, build.version)
    return build


def promote(seen: Snapshot, ring: str, who: str, plan: str = "", due: int = 0, expected: str = "") -> Change:
    """
    Want on *ring*, for *who* asks, what the rings before it run; refused when a *plan* showed another.

    It is refused, too, when another version is *expected*.

    A promotion that nobody asked for was found to be *due* at that generation of the record, and at no other.
    """
    stage = seen.release.lifecycle.stage(ring)
    access.refuse_promoter(stage.promoters, seen.project.name, ring, who)
    planned.refuse_generation(plan, seen.release)
    planned.refuse_undue(due, seen.release, ring)
    seen.deployable_hosts(ring)
    after = _at_this_moment(seen, ring, transitions.promote, by_itself=bool(due))
    build = after.ring(ring).wanted
    assert build is not None
    planned.refuse_other_version(seen.project.name, expected, build.version)
    ci_gate.refuse_uncleared(seen.items, seen.project.name, build.version)
    still = [seen.unmoved_key(firing.key(seen.project.name)), *requirements.unmoved(seen)]
    before = f"the {' and the '.join(stage.after)}"
    why = f"{BY_ITSELF}, from {before}" if due else f"promote {before}"
    return Change(after, "promote", "; ".join(filter(None, (why, judged(seen.release, stage.after)))), still)


def roll_back(
    seen: Snapshot, ring: str, because: str = "", generation: int = 0, expected: str = ""
) -> Change:
    """
    Want on the ring the good version before the present one; refused when that is not the one *expected*.

    What nobody asked for, but happens *because* of an alarm or a bad verdict, takes back only *generation*,
    about which that was judged, and only once.
    """
    seen.hosts(ring, reachable_only=True)
    current = seen.release.ring(ring).wanted
    planned.refuse_other_version(seen.project.name, expected, current.version if current else "")
    if because:
        guards.refuse_moved(seen.release, ring, generation)
    after = transitions.roll_back(seen.release, ring, seen.now, automatic=bool(because))
    return Change(after, "roll_back", because or "roll back")


def break_glass(seen: Snapshot, ring: str, build: Build, who: str, role: str, why: str) -> Change:
    """Want the published *build* on *ring* past every guard, for *who* is in *role*."""
    seen.hosts(ring, reachable_only=True)
    _refuse_other_content(seen, build)
    after = transitions.break_glass(seen.release, _authored(seen, build, who), seen.now, ring)
    return Change(after, "break_glass", f"BREAK GLASS as {role}: {why}")


def restore(seen: Snapshot, ring: str, generation: int) -> Change:
    """
    Undo the deploy of *generation*, which failed, was cancelled or died, or go on going back.

    The ring is stopped where nothing is left to go back to, after some tries, and, on any ring but the
    first, for a failed deploy where the configuration leaves that to a person.
    """
    left = ring != seen.release.lifecycle.first and not seen.deploy(ring).auto_rollback
    why = ended(seen, ring, generation)
    after = transitions.restore(seen.release, ring, generation, seen.now, why, left)
    return Change(after, "stop" if after.ring(ring).state == STOPPED else "restore", why.sentence)


def confirm(seen: Snapshot, ring: str, generation: int) -> Change:
    """
    Record that every host of the ring reports *generation*'s version and is healthy.

    Hosts that its rollout recorded as failed, within the budget, are excused: the ring is degraded then,
    and all others are proven.
    """
    refuse_overtaken(seen, ring, generation)
    proven, failed = evidence.of_end(seen, ring, generation)
    end = transitions.degrade if failed else transitions.confirm
    after = end(seen.release, ring, generation, seen.now, proven)
    why = f"failed: {one_line(', '.join(failed), 200)}" if failed else "every host is healthy"
    return Change(after, "degrade" if failed else "confirm", why, excused=failed)


def judged(known: Release, before: Sequence[str]) -> str:
    """Return in words what was found of the rings *before*; nothing of those that were not judged."""
    found = [(name, known.ring(name).judged) for name in before]
    return "; ".join(f"{name} was {judging.counted(one)}" for name, one in found if one)


def ended(seen: Snapshot, ring: str, generation: int) -> Stop:
    """Return why the deploy of *generation* is over, although no step said that it ended well."""
    return rollout_log.why_ended(seen.rollout(generation), seen.release.ring(ring).since, seen.now)


def refuse_overtaken(seen: Snapshot, ring: str, generation: int) -> None:
    """Raise Refused when the deploy of *generation* must not touch another host of *ring*."""
    transitions.refuse_overtaken(seen.release, ring, generation)


def refuse_unpublished(seen: Snapshot, build: Build) -> None:
    """Raise Refused unless *build* is what was published as this version, of a commit that CI passed."""
    _refuse_other_content(seen, build)
    ci_gate.refuse_uncleared(seen.items, seen.project.name, build.version)


def hosts_to_retry(seen: Snapshot, ring: str, names: Sequence[str]) -> list[Host]:
    """Return the hosts called *names*, or all that are not proven; refused during a deploy."""
    if seen.release.ring(ring).state == DEPLOYING:
        raise Refused(f"A deploy of {seen.project.name} to {ring} is under way.", "Wait for its end.")
    return named_hosts(seen, ring, names) if names else seen.unproven_hosts(ring, reachable_only=True)


def named_hosts(seen: Snapshot, ring: str, names: Sequence[str]) -> list[Host]:
    """Return the ring's hosts called *names*; refused when one of them is not in the ring."""
    hosts = {host.name: host for host in seen.hosts(ring, reachable_only=True)} if names else {}
    strange = [name for name in names if name not in hosts]
    if strange:
        raise Refused(
            f"{one_line(', '.join(strange), 300)} is not a reachable host of "
            f"{seen.project.name}'s {ring} ring.",
            f"See: st2 run cicd.get_release project={seen.project.name}",
        )
    return [hosts[name] for name in names]


def keys_of(project: str, build: Build) -> list[str]:
    """Return what must be read to say where *build* is from and who wrote it."""
    cleared = ci_gate.version_places(project, build.version, build.commit)
    return [*cleared, authors.key(project, build.commit)]


def keys_of_promotions(known: Release) -> list[str]:
    """Return what must be read to say whether what the rings run may be promoted."""
    builds = waiting.awaiting(known)
    return list(dict.fromkeys(key for build in builds for key in keys_of(known.project, build)))


def _at_this_moment(seen: Snapshot, ring: str, decide: Callable[..., Decided], by_itself: bool) -> Decided:
    """Return what *decide* makes of the rings before *ring*: proven or not, with their alarms and reviews."""
    before = seen.release.lifecycle.stage(ring).after
    proofs = {name: seen.proof(name, seen.hosts(name)) for name in before}
    decided = decide(
        seen.release,
        seen.now,
        seen.project.min_bake_seconds,
        ring=ring,
        policy=seen.project.approval_of(ring),
        proofs=proofs,
        alarms=seen.alarms({host for proof in proofs.values() for host in proof.hosts}),
        analyses={name: seen.project.analysis_of(name) for name in before},
        by_itself=by_itself,
    )
    requirements.refuse_unmet(seen, ring)
    return decided


def _refuse_other_content(seen: Snapshot, build: Build) -> None:
    known = package_records.PACKAGES.find(seen.items, seen.project.name, build.version)
    package_records.refuse_other_content(known, seen.project.name, built.of_build(build))


def _authored(seen: Snapshot, build: Build, who: str) -> Build:
    """When nobody knows who the authors of the commit are, who deploys it counts as one."""
    name = seen.project.name
    key = run.key(name, build.commit)
    pushed_by = run.parse(key, seen.document(key, StoredRun)).user if key in seen.items else ""
    known = authors.named(seen.document(authors.key(name, build.commit), Authors))
    wrote = {*known, pushed_by} - {"", UNKNOWN} or {who}
    return replace(build, authors=tuple(sorted(one_line(one, 100) for one in wrote)))
