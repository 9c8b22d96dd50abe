"""Runs in a real Consul: of two that move one, exactly one does."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from cicd.ci import run
from cicd.ci.run import BUILDING, Run
from cicd.ci.runs import Runs
from cicd.ci.step_times import StepTime
from cicd.store.store import Store
from tests.lib.consul_settings import settings

COMMIT = "b" * 40
OPENED = run.accept(1.0, None, "ann", "main", True)


@pytest.fixture
def runs(consul: str) -> Runs:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    return Runs(Store(settings(consul)), "greeter")


def test_of_two_deliveries_of_one_push_exactly_one_opens_the_run(consul, runs):
    def deliver(number: int) -> bool:
        opened = run.accept(float(number), None, "ann", "main", True)
        return Runs(Store(settings(consul)), "greeter").advance(COMMIT, opened)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(deliver, range(8))) == 1


def test_a_run_moves_only_from_the_stages_it_may_leave(runs):
    assert runs.advance(COMMIT, OPENED)
    assert not runs.advance(COMMIT, OPENED)
    assert runs.advance(COMMIT, run.start(2.0, 1))
    assert runs.advance(COMMIT, run.queue(3.0, 7))
    times = {2: StepTime(1.0, 0.0), 3: StepTime(1.0, 2.0)}
    assert runs.every() == {COMMIT: Run(BUILDING, 3.0, "ann", "main", queue_id=7, order=1, times=times)}


def test_a_run_that_was_forgotten_is_not_made_by_what_is_noted_of_it(runs):
    runs.update(COMMIT, lambda known: replace(known, step="build package"))

    assert runs.find(COMMIT) is None
    assert runs.every() == {}
