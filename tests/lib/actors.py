"""Who acts on a project at the same time as others, through the pack's own code, and may die at it."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cicd.clients import consul
from cicd.deploy.controls import Controls
from cicd.deploy.deploy import Deploy
from cicd.errors import CicdError
from cicd.release.lifecycle import PAIR
from cicd.release.record import EVERYTHING, Release
from cicd.release.rollout_record import ENDED, rollout_key
from tests.lib.stage import BAKE, HOSTS, PROJECT, Deed, World, version

NAMES = ("ann", "bob", "eve", "dan", "fay")
KINDS = ("lock", "freeze", "pin")


class Killed(BaseException):
    """The process of an actor died; nothing in it goes on."""


@dataclass
class Fate:
    """When an actor's process dies: `left` requests from now, `before` the request or after its answer."""

    left: int
    before: bool

    def passes(self, before: bool) -> None:
        self.left -= before
        if self.left == 0 and self.before == before:
            raise Killed


class Mortal(threading.local):
    fate: Fate | None = None


MORTAL = Mortal()


@contextlib.contextmanager
def mortality() -> Iterator[None]:
    """Let each thread die at a request to Consul when its fate says so."""
    send = consul.Impatient.send

    def mortal(self, *arguments, **options):
        for before in (True, False):
            if MORTAL.fate:
                MORTAL.fate.passes(before)
            if before:
                answer = send(self, *arguments, **options)
        return answer

    consul.Impatient.send = mortal
    try:
        yield
    finally:
        consul.Impatient.send = send


def told(refusal: CicdError) -> str:
    assert refusal.hint, f"who is told {refusal.message!r} is not told what to do"
    return refusal.message


class Actor:
    """One who does *steps* things by chance, each as a process of its own would; some die at it."""

    def __init__(self, world: World, name: str, seed: int = 0, steps: int = 0, mortal: float = 0.1) -> None:
        self.world, self._name, self._steps, self._mortal = world, name, steps, mortal
        self._chance = random.Random(seed)
        self._execution = f"{name} alone"
        self.failure: BaseException | None = None

    def play(self) -> None:
        try:
            for number in range(self._steps):
                self._execution = f"{self._name}-{number}"
                self._live(self._chance.choice(COMMANDS))
        except BaseException as failure:
            self.failure = failure

    def _live(self, command: Callable[[Actor, random.Random], None]) -> None:
        dies = self._chance.random() < self._mortal
        MORTAL.fate = Fate(self._chance.randint(1, 25), self._chance.random() < 0.5) if dies else None
        with contextlib.suppress(CicdError, Killed):
            command(self, self._chance)
        MORTAL.fate = None

    # --- one change each ---------------------------------------------------------------------------

    def deploy(self) -> Deploy:
        return Deploy(self.world.settings, PROJECT, self._name, self._execution)

    def controls(self, who: str = "", project: str = PROJECT) -> Controls:
        return Controls(self.world.settings, project, who or self._name, self._execution)

    def does(self, what: str, ring: str, change: Callable[[], Release], asked: int = 0) -> Release:
        deed = Deed(self._name, self._execution, what, ring, asked, time.time())
        self.world.deeds.append(deed)
        try:
            changed = change()
            deed.project, deed.generation = changed.project, changed.generation
            return changed
        except CicdError as refusal:
            deed.said = told(refusal)
            raise
        finally:
            deed.ended = time.time()

    def push(self) -> int:
        return self.advertise(self.world.next_build())

    def advertise(self, number: int) -> int:
        deploy = self.deploy()
        changed = self.does("advertise_canary", "canary", lambda: deploy.advertise_canary(version(number)))
        return changed.ring("canary").generation

    def walk(self, ring: str, generation: int) -> None:
        deploy = self.deploy()
        with deploy.holding_lock(ring, generation) as still_ours:
            for host in deploy.look().hosts(ring, reachable_only=True):
                still_ours()
                self.world.converge(host.name, generation)

    def confirm(self, ring: str, generation: int) -> None:
        deploy = self.deploy()
        self.does("confirm", ring, lambda: deploy.confirm(ring, generation)[0], generation)

    def fails_on(self, ring: str, host: str, state: str) -> None:
        """Record, as the step that updates hosts does, that *host* failed; as much as one may."""
        generation = self.generation(ring)
        if state == ENDED:
            self.world.failed.add((ring, generation, host))
        known = {"state": state, "hosts": {host: {"state": "failed"}}}
        self.world.store.put(rollout_key(PROJECT, generation), known)

    def restore(self, ring: str, generation: int) -> int:
        deploy = self.deploy()
        changed = self.does("restore", ring, lambda: deploy.restore(ring, generation), generation)
        return changed.ring(ring).generation

    def promote(self) -> int:
        return (
            self.does("promote", "production", lambda: self.deploy().promote("production"))
            .ring("production")
            .generation
        )

    def roll_back(self, ring: str, automatic: bool = False) -> int:
        deploy = self.deploy()
        return self.does("roll_back", ring, lambda: deploy.roll_back(ring, automatic)).ring(ring).generation

    def break_glass(self, number: int, role: str) -> None:
        deploy = self.deploy()
        self.does("break_glass", "production", lambda: deploy.break_glass(version(number), role, "an outage"))

    def hold(self, kind: str, number: int, project: str = PROJECT) -> None:
        named = version(number) if kind in ("pin", "veto") and project == PROJECT else ""
        self.does(kind, "production", lambda: self.controls(project=project).hold(kind, "because", named))

    def end_hold(self, kind: str, who: str, project: str = PROJECT) -> None:
        self.does(f"end_{kind}", "production", lambda: self.controls(who, project).end_hold(kind))

    def end_what_holds(self, kind: str, project: str = PROJECT) -> None:
        present = getattr(self.world.store.release(project).holds, kind)
        if present:
            self.end_hold(kind, present.who, project)

    def steal(self) -> None:
        self.does("steal_lock", "production", lambda: self.controls().steal("because"))

    def review(self, what: str) -> None:
        wanted = self.world.store.release(PROJECT).ring("canary").wanted
        if wanted:
            self.does(what, "canary", lambda: getattr(self.controls(), what)(wanted.version, "because"))

    # --- what takes several ------------------------------------------------------------------------

    def generation(self, ring: str) -> int:
        return self.world.store.release(PROJECT).ring(ring).generation

    def go_on(self, ring: str, generation: int) -> None:
        """Walk the hosts of *ring* and confirm it, or take it back, as the workflows do."""
        try:
            self.end_well(ring, generation)
        except CicdError:
            self.end_well(ring, self.restore(ring, generation))

    def end_well(self, ring: str, generation: int) -> None:
        self.walk(ring, generation)
        self.confirm(ring, generation)

    def bake(self) -> None:
        time.sleep(BAKE)

    def release(self) -> None:
        """Take a commit all the way, in vain when others come between."""
        self.go_on("canary", self.push())
        self.go_up()

    def go_up(self) -> None:
        """Take the canary to production, approved by somebody else."""
        self.bake()
        wanted = self.world.store.release(PROJECT).ring("canary").wanted
        Actor(self.world, next(name for name in NAMES if not wanted or name not in wanted.authors)).review(
            "approve"
        )
        self.go_on("production", self.promote())


def a_host(actor: Actor, chance: random.Random) -> str:
    return chance.choice([*HOSTS["canary"], *HOSTS["production"]])


def cure(actor: Actor, chance: random.Random) -> None:
    for host in [*HOSTS["canary"], *HOSTS["production"]]:
        if not actor.world.is_well(host):
            actor.world.gets_sick_or_well(host)


def thaw(actor: Actor, chance: random.Random) -> None:
    """End every hold, each as who put it would."""
    for project, kinds in ((PROJECT, KINDS), (EVERYTHING, KINDS[:2])):
        for kind in kinds:
            with contextlib.suppress(CicdError):
                actor.end_what_holds(kind, project)


def a_build(actor: Actor, chance: random.Random) -> int:
    return chance.randint(max(0, actor.world.newest - 4), actor.world.newest + 1)


Command = Callable[[Actor, random.Random], None]
COMMANDS: tuple[Command, ...] = (
    *(6 * [lambda a, c: a.release()]),
    *(6 * [lambda a, c: a.go_up()]),
    *(4 * [lambda a, c: a.go_on("canary", a.push())]),
    *(3 * [lambda a, c: a.review("approve")]),
    *(2 * [lambda a, c: a.bake()]),
    *(6 * [thaw]),
    *(4 * [cure]),
    *(3 * [lambda a, c: a.go_on(r := c.choice(PAIR.names), a.generation(r))]),
    *(4 * [lambda a, c: a.world.lock_ends(c.choice(PAIR.names))]),
    *(2 * [lambda a, c: a.world.converge(a_host(a, c))]),
    lambda a, c: a.push(),
    lambda a, c: a.promote(),
    lambda a, c: a.advertise(a_build(a, c)),
    lambda a, c: a.confirm(r := c.choice(PAIR.names), a.generation(r) - c.randint(0, 2)),
    lambda a, c: a.fails_on(r := c.choice(PAIR.names), c.choice(HOSTS[r]), c.choice(("running", "ended"))),
    lambda a, c: a.restore(r := c.choice(PAIR.names), a.generation(r)),
    lambda a, c: a.roll_back(c.choice(PAIR.names), c.random() < 0.5),
    lambda a, c: a.go_on("production", a.roll_back("production")),
    lambda a, c: a.break_glass(a_build(a, c), c.choice(("incident_commander", "root"))),
    lambda a, c: a.hold(c.choice(KINDS), a_build(a, c)),
    lambda a, c: a.hold(c.choice(KINDS[:2]), 0, EVERYTHING),
    lambda a, c: a.hold("veto", a_build(a, c)),
    lambda a, c: a.end_hold(c.choice(KINDS), ""),
    lambda a, c: a.steal(),
    lambda a, c: a.review("reject"),
    lambda a, c: a.world.gets_sick_or_well(a_host(a, c)),
)


def play(world: World, seed: int, actors: int, steps: int) -> None:
    """Let *actors* act at the same time, *steps* times each, on a project that has something to lose."""
    chance = random.Random(seed)
    Actor(world, NAMES[0]).release()
    cast = [Actor(world, name, chance.getrandbits(32), steps) for name in NAMES[:actors]]
    threads = [threading.Thread(target=actor.play, name=f"actor {n}") for n, actor in enumerate(cast)]
    with mortality():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for actor in cast:
        if actor.failure:
            raise actor.failure
