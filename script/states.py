#!/usr/bin/env python3
"""Draw the states of a release and of a run into docs/states.md, by exploring the code; --check compares."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "actions" / "lib"))

from cicd.ci import run  # noqa: E402
from cicd.ci.run import Run  # noqa: E402
from cicd.errors import Refused  # noqa: E402
from cicd.release import holds, transitions  # noqa: E402
from cicd.release.approvals import Policy  # noqa: E402
from cicd.release.firing import Alarms, Firing  # noqa: E402
from cicd.release.freeze_windows import Opened  # noqa: E402
from cicd.release.holds import Hold  # noqa: E402
from cicd.release.lifecycle import PAIR, Lifecycle, Stage  # noqa: E402
from cicd.release.transitions import EMPTY, Build, Release  # noqa: E402
from cicd.release.verification import Proof  # noqa: E402

PAGE = ROOT / "docs" / "states.md"
BUILDS = [Build(f"1.0-{n}.{n:07x}", "p", f"{n:040x}", "0" * 64, "") for n in (1, 2, 3)]
LATER = 10.0**9  # every canary has baked
DEPTH = 6
Command = Callable[[Release], Release]
Edge = tuple[str, str, str]  # the state before, what was done, the state after
State = tuple[str, bool]  # of the first ring, and whether the other one may get what it runs
START = "[*]"  # as Mermaid calls what comes before any state

HEAD = """# The states of a release and of a run

Drawn from the code by `script/states.py`, which tries every command in every state that it can reach.
Do not edit it; CI compares.

## A release

A project has a list of rings ([rings.md](rings.md)). Each ring is in one of these states, whatever its name.
In any of them its hosts obey what it is wanted to run. A version is deployed to the first ring, and promoted
to every other one from those before it. Nothing else is different: both were tried here, and do the same.
"""
BETWEEN = """### From ring to ring

A version comes to a ring from the rings that its `after` names. Each of them must be in a state from which
`promote` leads. Breaking the glass is the one way past this.
"""
COMES, GLASS = "deploy or promote", "break glass"
NOON = Opened("a fair", "noon")


def commands(ring: str) -> Iterator[tuple[str, Command]]:
    """Yield what can be done about *ring*, by name."""
    if ring == "canary":
        for build in BUILDS:
            yield COMES, lambda r, b=build: transitions.advertise_canary(r, b, 0.0)
    else:
        yield COMES, lambda r: transitions.promote(r, LATER, 60)
        for build in BUILDS:
            yield GLASS, lambda r, b=build: transitions.break_glass(r, b, 0.0)
    yield "every host is healthy", lambda r: transitions.confirm(r, ring, r.ring(ring).generation, 0.0)
    yield "few hosts failed", lambda r: transitions.degrade(r, ring, r.ring(ring).generation, 0.0)
    yield "failed, left as it is", lambda r: transitions.stop(r, ring, r.ring(ring).generation, 0.0)
    yield "failed, rolled back", lambda r: transitions.restore(r, ring, r.ring(ring).generation, 0.0)
    yield "roll back", lambda r: transitions.roll_back(r, ring, 0.0)
    yield "alarm", lambda r: transitions.roll_back(r, ring, 0.0, automatic=True)


RUN = """## A run

Each commit that was pushed has one run, and it is in one of these stages. Several executions and the sensor
may move it at once; only one of them does.
"""


def run_commands() -> Iterator[tuple[str, run.Command]]:
    """Yield what can happen to a run, in words."""
    for stage in (None, *sorted(run.ENDED)):
        yield "push", run.accept(0.0, stage, "ann", "main", True)
    yield "another build runs", run.wait(0.0)
    yield "its turn comes", run.start(0.0, 1)
    yield "CI has it", run.queue(0.0, 1)
    yield "CI is away", run.put_back(0.0)
    yield "CI refuses", run.refuse(0.0)
    yield "CI forgot it", run.lose(0.0)
    yield "CI passed", run.succeed(0.0, 1, "")
    yield "CI passed too late", run.come_late(0.0, 1, "", "b")
    yield "CI failed", run.fail(0.0, 1, "FAILURE")
    yield "a newer commit takes its turn", run.supersede(0.0, "b")


def explore_runs() -> set[Edge]:
    """Return every edge of a run, from all stages that it can come to."""
    edges: set[Edge] = set()
    todo: list[Run | None] = [None]
    while todo:
        known = todo.pop()
        for what, command in run_commands():
            after = command(known)
            edge = (run.stage(known) or START, what, run.stage(after) or START)
            if after and edge not in edges:
                edges.add(edge)
                todo.append(after)
    return edges


def followed(known: Release, command: Command) -> Release | None:
    """Return what *command* makes of *known*, or None when it is refused."""
    try:
        return command(known)
    except Refused:
        return None


def explore() -> tuple[dict[str, set[Edge]], set[State]]:
    """
    Return all that is within *DEPTH* commands of an empty release: every edge of each ring, and in which
    states of the first one the other one may be promoted to.
    """
    edges: dict[str, set[Edge]] = {ring: set() for ring in PAIR.names}
    states: set[State] = set()
    start = Release("p")
    seen, todo = {essence(start)}, deque([(start, 0)])
    while todo:
        known, depth = todo.popleft()
        states.add((known.first.state, followed(known, promotion()) is not None))
        for ring, what, after in steps(known):
            edges[ring].add((known.ring(ring).state, what, after.ring(ring).state))
            if depth < DEPTH and essence(after) not in seen:
                seen.add(essence(after))
                todo.append((after, depth + 1))
    return edges, states


def steps(known: Release) -> Iterator[tuple[str, str, Release]]:
    """Yield what is accepted now: ring, what, and the release after it; reports only while they can come."""
    for ring in PAIR.names:
        for what, command in commands(ring):
            after = followed(known, command)
            if after and (known.ring(ring).state != EMPTY or after.ring(ring).wanted):
                yield ring, what, after


def essence(known: Release) -> str:
    """Return *known* without what only counts: two releases with the same essence behave alike."""
    bare = {ring: replace(known.ring(ring), generation=0, since=0.0) for ring in PAIR.names}
    return repr(replace(known, generation=0, rings=bare))


def diagram(edges: set[Edge], *first: str) -> str:
    """Return a Mermaid diagram of *edges* below *first*; what leads the same way shares an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for before, what, after in sorted(edges):
        arrows.setdefault((before, after), []).append(what)
    lines = [f"    {a} --> {b}: {', '.join(whats)}" for (a, b), whats in sorted(arrows.items())]
    return "\n".join(["```mermaid", "stateDiagram-v2", *first, *lines, "```"])


def any_ring(edges: dict[str, set[Edge]]) -> set[Edge]:
    """Return the edges of any ring; AssertionError when the first one and another do not behave alike."""
    first, other = (edges[ring] for ring in PAIR.names)
    assert first == {edge for edge in other if edge[1] != GLASS}, "the rings do not behave alike"
    return other


def accepted(edges: set[Edge]) -> str:
    """Return a table: in which states of its ring each command is ever accepted."""
    found = {
        name: sorted({before for before, what, _ in edges if what == name}) for name, _ in commands(PAIR.last)
    }
    rows = [f"| {what} | {', '.join(states)} |" for what, states in found.items()]
    return "\n".join(["| what | accepted when the ring is |", "|---|---|", *rows])


def between(known: set[State]) -> str:
    """Return a diagram: in which states of the ring before a version is ever promoted from it."""
    promoted = {state for state, is_promoted in known if is_promoted}
    arrows = {state: "-- promote -->" if state in promoted else "-. refused .-x" for state, _ in known}
    lines = [f"    {state}[ring before: {state}] {arrows[state]} next[the ring]" for state in sorted(arrows)]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def promotion(when: float = LATER, ring: str = PAIR.last, **found: Any) -> Command:
    """Return the promotion to *ring* at *when*, with what was *found* besides the record."""
    return lambda r: transitions.promote(r, when, 60, ring=ring, **found)


def asked() -> str:
    """Return a table: what a promotion asks for, each tried on a release where all else is there."""
    known, version = ready(), BUILDS[1].version
    sick = {PAIR.first: Proof(version, {"web1": "it does not answer"})}
    alarms = Alarms((Firing("monitoring", "web1", "cpu", "cpu", 0.0),), ("web1",))
    tried = {
        "all is there": (known, promotion()),
        "a host of the ring before is not healthy at this moment": (known, promotion(proofs=sick)),
        "an alarm fires about the ring before": (known, promotion(alarms=alarms)),
        "the ring before bakes": (known, promotion(59)),
        "another ring before it runs another version": (forked(), promotion(ring="third")),
        "the ring runs a newer version": (transitions.break_glass(known, BUILDS[2], 0.0), promotion()),
        "the version was rolled back from a later ring": (
            replace(known, rolled_back=(version,)),
            promotion(),
        ),
        "a freeze window of the ring is open": (replace(known, windows={PAIR.last: NOON}), promotion()),
        "it lacks approvals": (known, promotion(policy=Policy(1))),
    }
    rows = [f"| {why} | {verdict(*what)} |" for why, what in tried.items()]
    return "\n".join(["| when | a promotion is |", "|---|---|", *rows])


def verdict(known: Release, command: Command) -> str:
    """Return whether *command* is accepted, in a word."""
    return "refused" if followed(known, command) is None else "allowed"


def forked() -> Release:
    """Return a release with two rings before the third one, which run, baked, two versions."""
    after = Stage("third", "third", PAIR.names)
    known = replace(
        transitions.break_glass(ready(), BUILDS[2], 0.0), lifecycle=Lifecycle((*PAIR.stages, after))
    )
    return transitions.confirm(known, PAIR.last, known.ring(PAIR.last).generation, 0.0)


def held() -> str:
    """Return a table: what each hold refuses, tried on a release where all of it is possible otherwise."""
    put = Hold("ann", "reason", 0.0, BUILDS[1].version)
    other = replace(put, version=BUILDS[0].version)
    kinds = {
        "lock": lambda h: holds.put(h, "p", "lock", put),
        "freeze": lambda h: holds.put(h, "p", "freeze", put),
        "pin to another version": lambda h: holds.put(h, "p", "pin", other),
        "veto of the version": lambda h: holds.veto(h, put),
    }
    tried: dict[str, Command] = {
        "deploy": lambda r: transitions.advertise_canary(r, BUILDS[1], 0.0),
        "promote": lambda r: transitions.promote(r, LATER, 60),
        "roll back": lambda r: transitions.roll_back(r, "production", 0.0),
        "break glass": lambda r: transitions.break_glass(r, BUILDS[1], 0.0),
    }
    lines = [f"| hold | {' | '.join(tried)} |", f"|---|{'---|' * len(tried)}"]
    for kind, change in kinds.items():
        known = transitions.hold(ready(), change(ready().holds))
        cells = [verdict(known, command) for command in tried.values()]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ready() -> Release:
    """Return a release with a past on production and a baked canary."""
    known = Release("p")
    for build in BUILDS[:2]:
        known = transitions.advertise_canary(known, build, 0.0)
        known = transitions.confirm(known, "canary", known.ring("canary").generation, 0.0)
        known = transitions.promote(known, LATER, 60)
        known = transitions.confirm(known, "production", known.ring("production").generation, 0.0)
    return known


def page() -> str:
    """Return docs/states.md."""
    edges, states = explore()
    ring = any_ring(edges)
    parts = [HEAD, f"{diagram(ring, f'    {START} --> {EMPTY}')}\n"]
    parts.append(f"### What is accepted when\n\n{accepted(ring)}\n")
    parts.append(f"{BETWEEN}\n{between(states)}\n\n{asked()}\n")
    parts.append(f"### What a hold refuses\n\n{held()}\n")
    parts += [RUN, f"{diagram(explore_runs())}\n"]
    return "\n".join(parts)


def main(words: list[str]) -> int:
    """Write the page, or with --check say whether it is current."""
    text = page()
    if words == ["--check"]:
        current = PAGE.is_file() and PAGE.read_text() == text
        sys.stdout.write(
            "" if current else "docs/states.md is not what the code does: run script/states.py\n"
        )
        return 0 if current else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
