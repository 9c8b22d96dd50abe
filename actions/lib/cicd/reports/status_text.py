"""What is deployed, in words: rings, versions, ages, hosts, holds and the next step. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Iterator, Mapping, Sequence, TypedDict

from cicd.errors import Refused
from cicd.release import approvals, going_back, guards, judging, waiting
from cicd.release import transitions as releases
from cicd.release.analysis_policy import AnalysisPolicy
from cicd.release.approvals import NO_POLICY, Policy, Review
from cicd.release.firing import SILENCE, Alarms
from cicd.release.holds import Hold, Holds, promotion, rollback
from cicd.release.lifecycle import AUTO, BY_ITSELF, CANARY
from cicd.release.transitions import Release, Ring
from cicd.sanitize import age

NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Gate:
    """
    What stands before a ring: who must approve, what fires on those before it, what it requires.

    `analyses` say how each ring before it is judged.
    """

    policy: Policy = NO_POLICY
    alarms: Alarms = SILENCE
    unmet: Refused | None = None
    analyses: Mapping[str, AnalysisPolicy] = field(default_factory=dict)


Gates = Mapping[str, Gate]  # by ring
OPEN: Gates = {}
NAMED_HOSTS = 8
AGAIN = "Promote again"  # how a hint begins where only time is missing
NAMED_ALARMS = 4


class HostStatus(TypedDict):
    """A host, the version that it runs, and for what `reason` it is not healthy; empty when it is."""

    name: str
    ring: str
    address: str
    version: str
    healthy: bool
    reason: str


def message(
    release: Release, hosts: Sequence[HostStatus], now: float, notes: Sequence[str], following: str
) -> str:
    """Return the state of one project as lines to read; the last one says what to do next, *following*."""
    rings = [
        line
        for name in release.lifecycle.names[::-1]
        for line in (_ring(release, name, hosts, now), judged(release.ring(name), name, now))
        if line
    ]
    said = [*alarming(release), *rings, *notes, f"next: {following}"]
    return "\n".join([release.project, *(f"  {text}" for text in said)])


def notes(
    release: Release,
    hosts: Sequence[HostStatus],
    now: float,
    gates: Gates = OPEN,
    alarms: Alarms = SILENCE,
    stuck: Sequence[str] = (),
) -> list[str]:
    """
    Return what is to be known beside the rings' versions: what stopped, fires, holds, waits.

    *stuck* names executions that died.
    """
    lines = [*_stopped(release, now), *_odd(release, hosts), *_alarms(alarms, now), *stuck]
    lines += [*_held(release.holds, now), *(f"every project: {text}" for text in _held(release.around, now))]
    return [*lines, *_reviewed(release, now, gates)]


def alarming(release: Release) -> list[str]:
    """Return what is said first and loudest: which going-back failed."""
    said = [going_back.failure(release, ring) for ring in release.lifecycle.names[::-1]]
    return [text for text in said if text]


def judged(ring: Ring, name: str, now: float) -> str:
    """Return what was found of the *ring* called *name*, and when; empty when it was not judged."""
    known = ring.judged
    return f"{name} is {judging.counted(known)}, {age(now - known.when)} ago" if known else ""


def one_line(release: Release, hosts: Sequence[HostStatus], now: float) -> str:
    """Return the state of one project in one line."""
    rings = [f"{name} {_version(release.ring(name), now)}" for name in release.lifecycle.names[::-1]]
    sick = sum(not host["healthy"] for host in hosts)
    health = [f"{sick} of {len(hosts)} hosts unhealthy"] if sick else []
    return "; ".join([f"{release.project}: {', '.join(rings)}", *health, *_words(release.holds)])


def next_step(
    release: Release,
    now: float,
    min_bake: int,
    gates: Gates = OPEN,
    silent: Mapping[str, str] = NOTHING,
) -> str:
    """
    Return what a person can do with the release now, and why not more.

    *silent* says of rings whose deploy seems dead what becomes of it.
    """
    names = release.lifecycle.names
    for ring in names[::-1]:
        if release.ring(ring).state == releases.STOPPED:
            return f"{ring} is stopped. {going_back.ways_on(release, ring)}"
    for ring in names:
        if release.ring(ring).state in (releases.DEPLOYING, releases.RESTORING):
            return silent.get(ring) or _moving(release, ring)
    if locked := _locked(release):
        return locked
    if behind := waiting.behind(release):
        return _next_promotion(release, behind, now, min_bake, gates)
    failed = f"correct what stopped {release.first.stop.version}, and " if release.first.stop else ""
    others = "production runs" if names[1:] == ("production",) else "all rings run"
    first = "the canary" if names[0] == CANARY else names[0]
    return f"{failed}push a commit; {others} what {first} runs"


def _locked(release: Release) -> str:
    """Return what locks the project, or all of them, and what ends that; empty when nothing does."""
    try:
        guards.refuse_deploy(release, "")
    except Refused as refusal:
        return f"{refusal.message} {refusal.hint}"
    return ""


def _next_promotion(release: Release, rings: Sequence[str], now: float, min_bake: int, gates: Gates) -> str:
    """Return the first promotion to one of *rings* that is accepted, or why the first one is not."""
    refused: list[str] = []
    for ring in rings:
        try:
            return _promotion(release, ring, now, min_bake, gates.get(ring, Gate()))
        except Refused as refusal:
            refused.append(f"{refusal.message} {_hint(release, ring, refusal)}".strip())
    return refused[0]


def _hint(release: Release, ring: str, refusal: Refused) -> str:
    """Return what follows from *refusal*; nobody has to ask again for what comes by itself."""
    is_auto = release.lifecycle.stage(ring).promote == AUTO
    return refusal.hint.replace(AGAIN, f"It comes to {ring} {BY_ITSELF}") if is_auto else refusal.hint


def _promotion(release: Release, ring: str, now: float, min_bake: int, gate: Gate) -> str:
    stage = release.lifecycle.stage(ring)
    build = releases.promotable(
        release, now, min_bake, ring=ring, policy=gate.policy, alarms=gate.alarms,
        analyses=gate.analyses, by_itself=stage.promote == AUTO,
    )  # fmt: skip
    if gate.unmet:
        raise gate.unmet
    failed = release.ring(ring).stop
    if stage.promote == AUTO and not (failed and failed.version == build.version):
        return f"{build.version} comes to {ring} {BY_ITSELF}"
    return f"`{promotion(release.project, ring)}` promotes {build.version}"


def _moving(release: Release, name: str) -> str:
    ring, project = release.ring(name), release.project
    if ring.state == releases.DEPLOYING or not ring.wanted:
        back = f"; `{rollback(project, name)}` overtakes it" if going_back.can(release, name) else ""
        return f"a deploy to {name} is under way, and ends by itself{back}"
    return (
        f"{name} is being rolled back: its hosts converge to {ring.wanted.version} by themselves, and it is "
        f"healthy when all have. Where one cannot, correct what it reports, or exclude it"
    )


def _stopped(release: Release, now: float) -> list[str]:
    """What stopped the last deploy to each ring; a going-back that failed was said before."""
    return [
        f"the deploy of {ring.stop.version or 'a version'} to {name} stopped {age(now - ring.stop.when)} ago "
        f"{ring.stop.sentence}{f' (execution {ring.stop.execution})' if ring.stop.execution else ''}"
        for name in release.lifecycle.names[::-1]
        for ring in [release.ring(name)]
        if ring.stop and not ring.stop.back
    ]


def _ring(release: Release, name: str, hosts: Sequence[HostStatus], now: float) -> str:
    ring = release.ring(name)
    there = [host for host in hosts if host["ring"] == name]
    running = sum(bool(ring.wanted and host["version"] == ring.wanted.version) for host in there)
    said = f"{name}: {_version(ring, now)}"
    if ring.wanted:
        said += f", commit {ring.wanted.commit[:7] or 'unknown'}, on {running} of {len(there)} hosts"
    before = next((one for one in (ring.last_good, ring.previous_good) if one and one != ring.wanted), None)
    return f"{said}; before: {before.version}" if before else said


def _version(ring: Ring, now: float) -> str:
    return f"{ring.wanted.version} ({ring.state} {age(now - ring.since)})" if ring.wanted else "nothing"


def _odd(release: Release, hosts: Sequence[HostStatus]) -> list[str]:
    said = [text for text in (_complaint(release, host) for host in hosts) if text]
    more = Counter(host["ring"] for host in hosts if _complaint(release, host))
    left = sum(more.values()) - NAMED_HOSTS
    return [*said[:NAMED_HOSTS], f"and {left} more hosts"] if left > 0 else said


def _alarms(alarms: Alarms, now: float) -> list[str]:
    newest = alarms.firing[::-1]
    said = [f"alarm: {one.said}, for {age(now - one.since)}" for one in newest[:NAMED_ALARMS]]
    left = len(newest) - NAMED_ALARMS
    return [*said, f"and {left} more alarms"] if left > 0 else said


def _complaint(release: Release, host: HostStatus) -> str:
    if not host["ring"]:
        return f"{host['name']} is in no ring: its service has no tag of a ring"
    wanted = release.ring(host["ring"]).wanted
    other = bool(wanted and host["version"] != wanted.version)
    runs = f"runs {host['version'] or 'nothing known'}" if other else ""
    reasons = ", ".join(text for text in (runs, host["reason"]) if text)
    return f"{host['name']} ({host['ring']}): {reasons}" if reasons else ""


def _held(holds: Holds, now: float) -> list[str]:
    single = {"locked": holds.lock, "frozen": holds.freeze, "pinned": holds.pin}
    said = [_hold(state, hold, now) for state, hold in single.items() if hold]
    said += [_hold(f"{host} is excluded", hold, now) for host, hold in holds.excluded.items()]
    newest = sorted(holds.vetoes.values(), key=lambda veto: veto.since)[-3:]
    return [*said, *(_hold("vetoed", veto, now) for veto in newest)]


def _hold(state: str, hold: Hold, now: float) -> str:
    version = f" {hold.version}" if hold.version else ""
    return f"{state}{version} by {hold.who or 'unknown'} {age(now - hold.since)} ago: {hold.why}"


def _reviewed(release: Release, now: float, gates: Gates) -> list[str]:
    windows = dict.fromkeys(release.windows.values())
    said = [f"freeze window until {window.until}: {window.reason}" for window in windows]
    for build in waiting.awaiting(release):
        said += _reviews(release.reviews_of(build.version), now)
        asked = (gates.get(ring, Gate()).policy for ring in waiting.next_rings(release, build.version))
        for policy in dict.fromkeys(policy for policy in asked if policy.count):
            counted = len(approvals.approvals(policy, build.authors, release.reviews_of(build.version), now))
            said.append(f"approvals: {counted} of {policy.count}")
    return said


def _reviews(reviews: Mapping[str, Review], now: float) -> Iterator[str]:
    for who, review in sorted(reviews.items()):
        verb, why = "approved" if review.approves else "rejected", f": {review.why}" if review.why else ""
        yield f"{verb} by {who} {age(now - review.when)} ago{why}"


def _words(holds: Holds) -> list[str]:
    single = {"locked": holds.lock, "frozen": holds.freeze, "pinned": holds.pin}
    return [f"{state} by {hold.who or 'unknown'}" for state, hold in single.items() if hold]
