"""The six commits of the demo: what each changes, and what must be true afterwards."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.stackstorm import ENDED, StackStorm
from demo.view import View
from demo.visitors import Visitors
from demo.world import ROOT, World, wait_for

PROJECT = "greeter"
REPOSITORY = "acme/greeter"
RUN_SECONDS = 240
LOOK_SECONDS = 0.4
SHARES = (5, 25)
COUNTED = 500  # requests that visitors send before their share is said


class StoryFailed(Exception):
    """What should be true after a commit is not."""


class Teller:
    """Pushes commits and watches them arrive."""

    def __init__(self, world: World, stackstorm: StackStorm, view: View) -> None:
        self.world = world
        self.stackstorm = stackstorm
        self.view = view

    def push(self, message: str, change: Callable[[Path], None]) -> str:
        """Apply *change* to the clone, commit and push it, and return the trace tag of the commit."""
        change(self.world.clone)
        self._git("add", "-A")
        self._git("commit", "-q", "-m", message)
        started = time.monotonic()
        self._git("push", "-q", "origin", "HEAD:main")
        trace = f"{REPOSITORY}@{self._git('rev-parse', 'HEAD')}"
        self.view.watch(trace, time.monotonic() - started)
        return trace

    def follow(self, trace: str, last: str) -> dict[str, Any]:
        """
        Show the run of *trace* until its root executions of *last* have ended; return the last to end.

        A build that is told of twice starts two; the one that finds the other at work ends at once.
        """
        return dict(
            wait_for(f"{last} of {trace}", lambda: self._look(trace, last), RUN_SECONDS, LOOK_SECONDS)
        )

    def promote(self, trace: str) -> dict[str, Any]:
        """Deploy the canary to production, on the trace of its commit."""
        self.wait_for_bake()
        started = self.stackstorm.start("cicd.deploy_production", trace, project=PROJECT)
        self.follow(trace, "cicd.deploy_production")
        return self.stackstorm.get(started)

    def wait_for_bake(self) -> None:
        """Wait, as a user does, until the canary may be promoted."""
        wait_for("the bake of the canary", self._is_baked, 120)

    def _is_baked(self) -> bool:
        return bool(self.stackstorm.run("cicd.check_canary", project=PROJECT)["status"] == "succeeded")

    def roots(self, trace: str) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Return the root executions on *trace*, each with its descendants."""
        return [(root, self.stackstorm.tree(root["id"])) for root in self.stackstorm.of_trace(trace)]

    def _look(self, trace: str, last: str) -> dict[str, Any] | None:
        roots = self.roots(trace)
        self.view.show(roots)
        runs = [root for root, _ in roots if root["action"]["ref"] == last]
        if not runs or any(run["status"] not in ENDED for run in runs):
            return None
        return max(runs, key=lambda run: str(run.get("end_timestamp")))

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.world.clone, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StoryFailed(f"git {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()


def first_version_reaches_production(teller: Teller) -> None:
    """Version 1: through CI, package, canary and production, on every host."""
    trace = teller.push("Greet the world", add_greeter)
    _expect(teller.follow(trace, "cicd.ci_success"), "succeeded")
    _expect(teller.promote(trace), "succeeded")
    _expect_versions(teller.world, canary="1.0.0", production="1.0.0")
    _expect_served(teller.world, {"1.0.0"}, {"1.0.0"})


def second_version_is_canary_then_production(teller: Teller) -> None:
    """Version 2: the canary hosts serve it while production serves 1; then it is promoted."""
    trace = teller.push("Greet more warmly", lambda clone: set_version(clone, "2.0.0"))
    _expect(teller.follow(trace, "cicd.ci_success"), "succeeded")
    _expect_versions(teller.world, canary="2.0.0", production="1.0.0")
    _expect_served(teller.world, {"2.0.0"}, {"1.0.0"})
    teller.view.say("while canary serves 2.0.0, production serves 1.0.0")
    _expect(teller.promote(trace), "succeeded")
    _expect_versions(teller.world, canary="2.0.0", production="2.0.0")
    _expect_served(teller.world, {"2.0.0"}, {"2.0.0"})


def failing_test_stops_at_ci(teller: Teller) -> None:
    """Version 3: its test fails, so CI stops it and nothing changes anywhere."""
    trace = teller.push("Break the greeting", _break_test)
    _expect(teller.follow(trace, "cicd.ci_failure"), "succeeded")
    _expect_versions(teller.world, canary="2.0.0", production="2.0.0")
    _expect_served(teller.world, {"2.0.0"}, {"2.0.0"})


def failing_post_inst_stops_at_the_canary(teller: Teller) -> None:
    """Version 4: its post-inst fails, so the canary goes back and production never sees it."""
    trace = teller.push("Forget how to install", _break_post_inst)
    _expect(teller.follow(trace, "cicd.ci_success"), "failed")
    _expect_versions(teller.world, canary="2.0.0", production="2.0.0")
    wait_for("every host's recovery", lambda: all(teller.world.healthy(PROJECT).values()), 60)
    _expect_served(teller.world, {"2.0.0"}, {"2.0.0"})


def canary_gets_more_requests_by_itself(teller: Teller) -> None:
    """Version 5: 5 % of the requests, then 25 %, each found good by figures, and production by itself."""
    with teller.world.configured(_growing(teller.world)), Visitors(teller.world) as visitors:
        trace = teller.push("Greet again", _mend)
        _expect(teller.follow(trace, "cicd.ci_success"), "succeeded")
        for percent in SHARES:
            _expect_share(teller, visitors, percent)
        wait_for(
            "production's deploy by itself",
            lambda: _runs_well(teller.world, "production", "5.0.0"),
            RUN_SECONDS,
        )
    _expect_answers(visitors)
    _expect_versions(teller.world, canary="5.0.0", production="5.0.0")
    _expect_served(teller.world, {"5.0.0"}, {"5.0.0"})


def bad_figures_take_the_canary_back(teller: Teller) -> None:
    """Version 6: healthy, but answers nobody; by its figures it goes back, and no visitor notices."""
    world = teller.world
    with world.configured(_judged(world)), Visitors(world) as visitors:
        trace = teller.push("Answer nobody", _answer_nobody)
        _expect(teller.follow(trace, "cicd.ci_success"), "succeeded")
        wait_for("the canary's way back", lambda: _runs_well(world, "canary", "5.0.0"), RUN_SECONDS)
    _expect_answers(visitors)
    found = [entry["why"] for entry in world.history(PROJECT) if entry["what"] == "judge"]
    teller.view.say(f"the canary was found {found[-1]}")
    _expect_versions(world, canary="5.0.0", production="5.0.0")
    _expect_served(world, {"5.0.0"}, {"5.0.0"})


# What the acceptance suite tells too, and what takes longer.
STORIES: tuple[tuple[str, Callable[[Teller], None]], ...] = (
    ("v1 reaches production", first_version_reaches_production),
    ("v2 is canary while production stays, then production", second_version_is_canary_then_production),
    ("v3 with a failing test stops at CI", failing_test_stops_at_ci),
    ("v4 with a failing post-inst stops at the canary", failing_post_inst_stops_at_the_canary),
)
LONG_STORIES: tuple[tuple[str, Callable[[Teller], None]], ...] = (
    ("v5 gets more and more requests, and goes on by itself", canary_gets_more_requests_by_itself),
    ("v6 is bad by its figures, and goes back by itself", bad_figures_take_the_canary_back),
)


def add_greeter(clone: Path) -> None:
    """Put examples/greeter into *clone*, as version 1.0.0."""
    shutil.copytree(ROOT / "examples" / PROJECT, clone, dirs_exist_ok=True)
    set_version(clone, "1.0.0")


def set_version(clone: Path, version: str) -> None:
    """Let the next package of *clone* be of *version*."""
    path = clone / "fpm.json"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(_with_version(line, version) for line in lines) + "\n")


def _with_version(line: str, version: str) -> str:
    key, colon, _ = line.partition(":")
    return f'{key}: "{version}",' if colon and key.strip() == '"version"' else line


def _break_test(clone: Path) -> None:
    set_version(clone, "3.0.0")
    source = clone / "greeter.py"
    source.write_text(source.read_text().replace('GREETING = "Hello"', 'GREETING = ""'))


def _break_post_inst(clone: Path) -> None:
    add_greeter(clone)
    set_version(clone, "4.0.0")
    (clone / "script" / "post-inst").write_text("#!/bin/sh\necho 'cannot install' >&2\nexit 3\n")


def _mend(clone: Path) -> None:
    add_greeter(clone)
    set_version(clone, "5.0.0")


def _answer_nobody(clone: Path) -> None:
    """Only what is packaged has a file REVISION, so CI's tests pass."""
    set_version(clone, "6.0.0")
    source = clone / "greeter.py"
    answer = (
        'self.answer(503 if REVISION.exists() else 200, "application/json", json.dumps(self.server.about))'
    )
    source.write_text(
        source.read_text().replace(
            'self.answer(200, "application/json", json.dumps(self.server.about))', answer
        )
    )


def _judged(world: World) -> dict[str, Any]:
    """Return the configuration by which a canary is judged by HAProxy's figures."""
    analysis = {"sources": ["haproxy"], "looks": 3, "limit": 30}
    return {
        "monitoring": {"haproxy": [world.description["haproxy"]["statistics"]]},
        "projects": {PROJECT: {"analysis": analysis}},
    }


def _growing(world: World) -> dict[str, Any]:
    """Return the configuration by which a canary gets SHARES of the requests, one after the other."""
    analysis = {"sources": ["haproxy"], "margin": "5%", "looks": 1, "limit": 5, "inconclusive": "wait"}
    canary = {"name": "canary", "traffic": [*SHARES], "analysis": analysis}
    canary["version_key"] = "{project}::canary_version"
    production = {"name": "production", "promote": "auto", "version_key": "{project}::version"}
    return {
        "monitoring": {"haproxy": [world.description["haproxy"]["statistics"]]},
        "projects": {PROJECT: {"rings": [canary, production]}},
    }


def _expect_share(teller: Teller, visitors: Visitors, percent: int) -> None:
    """Wait until *percent* of the requests go to the canary, and hold what visitors see."""
    world = teller.world
    wait_for(f"the canary's {percent} %", lambda: _applied(world) == percent * 100, RUN_SECONDS)
    visitors.answered.clear()
    wait_for("visitors", lambda: visitors.answered.total() >= COUNTED, 60)
    share = visitors.share_of(world.hosts("canary"))
    teller.view.say(f"{share:.1f} % of {visitors.answered.total()} requests went to the canary")
    if abs(share - percent) > percent / 2:
        raise StoryFailed(f"the canary gets {share:.1f} % of the requests, not {percent} %")


def _applied(world: World) -> int | None:
    """Return how many of 10,000 requests the load balancer sends to the canary."""
    infra = next(host["name"] for host in world.description["hosts"] if host["role"] == "infra")
    report = json.loads(world.key(f"cicd/.traffic/applied/{infra}") or "{}")
    known = report.get("applied", {}).get(PROJECT) or {}
    return known.get("buckets")


def _runs_well(world: World, ring: str, version: str) -> bool:
    """Return whether the *ring* ran *version* well when its last deploy ended."""
    known = json.loads(world.key(f"cicd/{PROJECT}/release") or "{}").get(ring) or {}
    wanted = str((known.get("wanted") or {}).get("version"))
    return known.get("state") == "healthy" and wanted.startswith(f"{version}-")


def _expect_answers(visitors: Visitors) -> None:
    if visitors.failures:
        raise StoryFailed(f"{len(visitors.failures)} visitors got no answer, such as {visitors.failures[0]}")


def _expect(execution: dict[str, Any], status: str) -> None:
    if execution["status"] != status:
        output = (execution.get("result") or {}).get("output") or {}
        error = output.get("error") or execution.get("result")
        raise StoryFailed(f"{execution['action']['ref']} {execution['id']} {execution['status']}: {error}")


def _expect_versions(world: World, canary: str, production: str) -> None:
    wanted = {
        "canary": (canary, f"{PROJECT}::canary_version"),
        "production": (production, f"{PROJECT}::version"),
    }
    for ring, (version, key) in wanted.items():
        advertised = world.key(key) or "nothing"
        if not advertised.startswith(f"{version}-"):
            raise StoryFailed(f"{ring} is advertised as {advertised}, not {version}")
        for host in world.hosts(ring):
            installed = world.installed(host, PROJECT)
            if installed != f"install ok installed|{advertised}":
                raise StoryFailed(f"{host['name']} has {installed or 'nothing'}, not {advertised}")


def _expect_served(world: World, canary: set[str], production: set[str]) -> None:
    """Hold what clients see: with the canary header, and per host without it."""
    expected = {
        host["name"]: versions
        for ring, versions in (("canary", canary), ("production", production))
        for host in world.hosts(ring)
    }
    for with_header in (True, False):
        for host, served in world.versions_served(with_header).items():
            plain = {version.partition("-")[0] for version in served}
            if plain != expected[host] or (with_header and host not in _names(world, "canary")):
                raise StoryFailed(f"{host} served {served}, not {expected[host]}")


def _names(world: World, ring: str) -> set[str]:
    return {host["name"] for host in world.hosts(ring)}
