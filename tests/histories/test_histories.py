"""
Two or three people who do anything to one project at once, through StackStorm's API; some things are killed.

Real: st2local, Consul, sshd. Stand-ins: what runs on the hosts, and CI, which leaves what it would leave.
HISTORIES says how many, HISTORY_SEED which is the first, HISTORY_LANES how many at a time. A seed fixes
what each one tries, not who is faster.
"""

import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.histories.lane import LANES, Lane
from tests.histories.player import play
from tests.histories.referee import Referee

COUNT, FIRST = int(os.environ.get("HISTORIES", "1")), int(os.environ.get("HISTORY_SEED", "1"))
STEPS = 4
DEATHS = 0.04  # of all histories end with a StackStorm that is killed


def one(lane: Lane, seed: int) -> tuple[int, str, Counter[str]]:
    """Let one history happen; its seed, what is wrong with it, and what it reached."""
    chance = Random(seed)
    try:
        play(lane, seed, 2 + seed % 2, STEPS)
        if chance.random() < DEATHS:
            lane.stackstorm.dies()
            lane.settle()
        referee = Referee(lane)
        referee.judge()
    except AssertionError as error:
        wrong = f"{error}\n{list(lane.keys('history/').values())}"
    else:
        wrong = ""
    sys.stdout.write(f"history {seed}: {wrong or dict(referee.seen)}\n")
    sys.stdout.flush()
    return seed, wrong, Counter() if wrong else referee.seen


def test_whatever_people_do_at_once_production_is_only_wanted_to_run_what_it_may(stackstorm):
    seeds = iter(range(FIRST, FIRST + COUNT))

    def take_turns(lane: Lane) -> list[tuple[int, str, Counter[str]]]:
        return [one(lane, seed) for seed in seeds]

    with ThreadPoolExecutor(LANES) as pool:
        done = [outcome for found in pool.map(take_turns, stackstorm.lanes) for outcome in found]
    seen = sum((reached for _, _, reached in done), Counter())

    assert len(done) == COUNT
    assert {seed: wrong for seed, wrong, _ in done if wrong} == {}
    assert set(seen) >= {"advertise_canary", "confirm"}
    assert COUNT < 20 or min(seen[what] for what in ("promote", "roll_back", "approve", "reject")) > 0, seen
