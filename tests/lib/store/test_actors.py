"""
Two to five who act at the same time, through a real Consul; some of them die between two requests.

ACTOR_RUNS says how many runs, ACTOR_SEED which one is the first. A seed fixes what each one tries,
not who is faster.
"""

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cicd.errors import CicdError
from tests.lib.actors import NAMES, Actor, play
from tests.lib.audit import Audit, Spectator

RUNS, FIRST = int(os.environ.get("ACTOR_RUNS", "3")), int(os.environ.get("ACTOR_SEED", "1"))
STEPS = 24
REACHED: Counter[str] = Counter()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_whoever_acts_at_once_and_dies_at_it_no_rule_is_broken_and_nothing_is_lost(world, seed):
    with Spectator(world.consul) as spectator:
        play(world, seed, actors=2 + seed % 4, steps=STEPS)
    Audit(world).pass_(spectator)
    REACHED.update(deed.what for deed in world.deeds if deed.generation)
    REACHED["died"] += sum(not deed.generation and not deed.said for deed in world.deeds)
    REACHED["refused"] += sum(bool(deed.said) for deed in world.deeds)
    REACHED["seen"] += len(spectator.seen)


def test_the_runs_reach_enough_to_mean_something():
    assert set(REACHED) >= {"advertise_canary", "confirm", "promote", "approve", "died", "refused"}


def baked(actor: Actor) -> None:
    """Let the canary be good a second time, baked and approved."""
    for _ in range(2):
        actor.go_on("canary", actor.push())
    Actor(actor.world, "bob").review("approve")
    actor.bake()


def failing(actor: Actor) -> None:
    baked(actor)
    actor.world.failing = actor.push()


Attempt = Callable[[Actor], object]
RACES: dict[str, tuple[Attempt, Attempt]] = {
    "promote": (baked, lambda a: a.promote()),
    "deploy one version": (baked, lambda a: a.advertise(9)),
    "roll back": (baked, lambda a: a.roll_back("canary")),
    "restore": (failing, lambda a: a.restore("canary", a.world.failing)),
    "lock": (baked, lambda a: a.hold("lock", 0)),
    "lock everything": (baked, lambda a: a.hold("lock", 0, "everything")),
    "pin": (baked, lambda a: a.hold("pin", 1)),
    "thaw": (lambda a: a.hold("freeze", 0), lambda a: a.end_hold("freeze", "")),
}


@pytest.mark.parametrize("race", RACES)
def test_of_five_who_want_it_at_the_same_moment_exactly_one_gets_it(world, race):
    prepare, attempt = RACES[race]
    prepare(Actor(world, "ann"))
    barrier, before = threading.Barrier(len(NAMES)), len(world.deeds)

    def run(name: str) -> None:
        actor = Actor(world, name)
        barrier.wait()
        with contextlib.suppress(CicdError):
            attempt(actor)

    with Spectator(world.consul) as spectator, ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(run, NAMES))
    Audit(world).pass_(spectator)
    assert [bool(deed.generation) for deed in world.deeds[before:]].count(True) == 1
    assert len(world.deeds) == before + len(NAMES)
