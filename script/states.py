#!/usr/bin/env python3
"""Draw the states of a release and of a run into docs/states.md, by exploring the code; --check compares."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "actions" / "lib"))

from cicd.ci import run  # noqa: E402
from cicd.ci.run import Run  # noqa: E402
from cicd.errors import Refused  # noqa: E402
from cicd.release import holds, transitions  # noqa: E402
from cicd.release.holds import Hold  # noqa: E402
from cicd.release.lifecycle import PAIR  # noqa: E402
from cicd.release.transitions import EMPTY, Build, Release  # noqa: E402

PAGE = ROOT / "docs" / "states.md"
BUILDS = [Build(f"1.0-{n}.{n:07x}", "p", f"{n:040x}", "0" * 64, "") for n in (1, 2, 3)]
LATER = 10.0**9  # every canary has baked
DEPTH = 6
Command = Callable[[Release], Release]
Edge = tuple[str, str, str]  # the state before, what was done, the state after
START = "[*]"  # as Mermaid calls what comes before any state

HEAD = """# The states of a release and of a run

Drawn from the code by `script/states.py`, which tries every command in every state that it can reach.
Do not edit it; CI compares.

## A release

A project has two rings, and each is in one of these states. In any of them hosts obey what their ring is
wanted to run.
"""


def commands(ring: str) -> Iterator[tuple[str, Command]]:
    """Yield what can be done about *ring*, by name."""
    if ring == "canary":
        for build in BUILDS:
            yield "deploy", lambda r, b=build: transitions.advertise_canary(r, b, 0.0)
    else:
        yield "promote", lambda r: transitions.promote(r, LATER, 60)
        for build in BUILDS:
            yield "break glass", lambda r, b=build: transitions.break_glass(r, b, 0.0)
    yield "every host is healthy", lambda r: transitions.confirm(r, ring, r.ring(ring).generation, 0.0)
    yield "few hosts failed", lambda r: transitions.degrade(r, ring, r.ring(ring).generation, 0.0)
    yield "failed, left as it is", lambda r: transitions.stop(r, ring, r.ring(ring).generation, 0.0)
    yield "failed, taken back", lambda r: transitions.restore(r, ring, r.ring(ring).generation, 0.0)
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
    yield "Jenkins has it", run.queue(0.0, 1)
    yield "Jenkins is away", run.put_back(0.0)
    yield "Jenkins refuses", run.refuse(0.0)
    yield "Jenkins forgot it", run.lose(0.0)
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


def explore() -> dict[str, set[Edge]]:
    """Return every edge of each ring, from all states within *DEPTH* commands of an empty release."""
    edges: dict[str, set[Edge]] = {ring: set() for ring in PAIR.names}
    start = Release("p")
    seen, todo = {essence(start)}, deque([(start, 0)])
    while todo:
        known, depth = todo.popleft()
        for ring, what, after in steps(known):
            edges[ring].add((known.ring(ring).state, what, after.ring(ring).state))
            if depth < DEPTH and essence(after) not in seen:
                seen.add(essence(after))
                todo.append((after, depth + 1))
    return edges


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


def accepted(edges: dict[str, set[Edge]]) -> str:
    """Return a table: in which states of its ring each command is ever accepted."""
    lines = ["| ring | what | accepted when the ring is |", "|---|---|---|"]
    for ring in PAIR.names:
        for what in dict.fromkeys(name for name, _ in commands(ring)):
            states = sorted({before for before, name, _ in edges[ring] if name == what})
            lines.append(f"| {ring} | {what} | {', '.join(states)} |")
    return "\n".join(lines)


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
        cells = ["refused" if followed(known, command) is None else "allowed" for command in tried.values()]
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
    edges = explore()
    parts = [HEAD]
    begins = f"    {START} --> {EMPTY}"
    parts += [f"### {ring.capitalize()}\n\n{diagram(edges[ring], begins)}\n" for ring in PAIR.names]
    parts.append(f"### What is accepted when\n\n{accepted(edges)}\n")
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
