"""Events in are builds and packages out: gateway, st2local and Jenkins killed at each step of a push."""

import os
import time
from collections.abc import Callable
from random import Random

import pytest

from tests.whole.world import CIBUILD, PROJECT, SCRIPT, Whole, wait_until

ALIVE = ("requested", "scheduled", "delayed", "running")
VICTIMS = ("gateway", "st2local", "jenkins")
CRASHES = int(os.environ.get("CRASHES", "1"))
Moment = Callable[[Whole, str], object]


def begun(action: str) -> Moment:
    """The moment in which *action* begins."""
    return lambda whole, commit: [
        one for one in whole.executions(action, commit) if one["status"] != "requested"
    ]


def stage(*stages: str) -> Moment:
    """The moment in which the run of a commit is first at one of *stages*."""
    return lambda whole, commit: whole.run(commit).get("stage") in stages


MOMENTS: dict[str, Moment] = {
    "acknowledged": lambda whole, commit: True,
    "forwarded": lambda whole, commit: whole.forwarded(commit),
    "received": begun("receive_push"),
    "recorded": stage("accepted", "starting", "building"),
    "started": begun("start_build"),
    "queued": stage("building"),
    "building": lambda whole, commit: "begun" in whole.console(commit),
    "built": lambda whole, commit: results(whole, commit) == ["SUCCESS"],
    "told": begun("ci_success"),
    "verified": begun("claim_build"),
    "passed": stage("passed"),
    "given a build host": begun("find_build_host"),
    "fetched": begun("fetch_commit"),
    "described": begun("read_metadata"),
    "packaged": begun("build_package"),
    "being published": begun("publish_package"),
    "published": lambda whole, commit: whole.packages(commit),
}
ROWS = {
    "st2local": [*MOMENTS],
    "gateway": ["acknowledged", "forwarded", "building", "built"],
    # What a restart of Jenkins does to a build that runs is a row of its own.
    "jenkins": ["acknowledged", "built", "passed"],
}
QUICK = {("st2local", "being published")}


def results(whole: Whole, commit: str) -> list[str | None]:
    """Return how the builds of *commit* ended."""
    return [build["result"] for build in whole.builds(commit)]


def push(whole: Whole, seconds: float = 1.5) -> str:
    """Push a change that is packaged and not deployed, and return its commit."""
    script = f"{SCRIPT}echo begun\nsleep {seconds}\n"
    told = whole.commit(f"Change {time.monotonic_ns()} [skip deploy]", {CIBUILD: script})
    assert whole.deliver(told, told["after"][:12]).status_code == 202
    return told["after"]


def crash(whole: Whole, *victims: str) -> None:
    """Kill *victims*, and start them again."""
    whole.kill(*victims)
    whole.revive(*victims)


def is_over(whole: Whole, commit: str) -> bool:
    """Whether *commit* is packaged, or its build failed, and nothing of the pipeline is under way."""
    stage = whole.run(commit).get("stage")
    is_ended = stage == "failed" or (stage == "passed" and whole.packages(commit) > 0)
    return is_ended and not [
        one for one in whole.rest.get("/executions/?limit=100") if one["status"] in ALIVE
    ]


def becomes_one_package(whole: Whole, commit: str) -> None:
    """Wait for the end of *commit*, and count."""
    wait_until(lambda: is_over(whole, commit))
    assert results(whole, commit) == ["SUCCESS"]
    assert whole.packages(commit) == 1
    assert whole.run(commit)["stage"] == "passed"


@pytest.mark.parametrize(
    ("victim", "moment"),
    [
        pytest.param(victim, moment, marks=[] if (victim, moment) in QUICK else pytest.mark.faults)
        for victim, moments in ROWS.items()
        for moment in moments
    ],
)
def test_killed_as_a_push_is_this_far_it_is_one_build_and_one_package(whole, victim, moment):
    commit = push(whole)
    wait_until(lambda: MOMENTS[moment](whole, commit))
    crash(whole, victim)

    becomes_one_package(whole, commit)


@pytest.mark.faults
@pytest.mark.parametrize("victim", ["st2local", "jenkins"])
def test_away_as_a_push_comes_it_is_one_build_and_one_package(whole, victim):
    whole.kill(victim)
    commit = push(whole)
    if victim == "jenkins":
        wait_until(lambda: whole.ended("start_build", commit))
    whole.revive(victim)

    becomes_one_package(whole, commit)


def test_jenkins_killed_with_the_build_in_its_queue_builds_it_once(whole):
    whole.kill("jenkins")
    whole.jenkins.start(url=f"{whole.jenkins.url}/", executors=0)
    commit = push(whole)
    wait_until(lambda: stage("building")(whole, commit))
    assert results(whole, commit) == []
    crash(whole, "jenkins")

    becomes_one_package(whole, commit)


@pytest.mark.faults
def test_jenkins_killed_as_it_builds_fails_the_run_and_a_person_builds_it_again(whole):
    commit = push(whole, 5)
    wait_until(lambda: MOMENTS["building"](whole, commit))
    crash(whole, "jenkins")
    wait_until(lambda: whole.ended("ci_failure", commit))

    assert whole.run(commit)["status"] == "ABORTED"
    assert whole.packages(commit) == 0
    assert whole.rest.run("cicd.git_push", {"project": PROJECT, "commit": commit})["status"] == "succeeded"
    wait_until(lambda: whole.packages(commit))
    wait_until(lambda: is_over(whole, commit))
    assert sorted(map(str, results(whole, commit))) == ["ABORTED", "SUCCESS"]
    assert whole.packages(commit) == 1


@pytest.mark.faults
def test_all_killed_before_jenkins_could_tell_of_the_end_the_build_counts_all_the_same(whole):
    commit = push(whole, 4)
    wait_until(lambda: MOMENTS["building"](whole, commit))
    whole.kill("gateway")
    wait_until(lambda: MOMENTS["built"](whole, commit))
    crash(whole, *VICTIMS)

    becomes_one_package(whole, commit)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(CRASHES))
def test_killed_at_any_moment_a_push_is_one_package_or_a_failure_that_is_told(whole, seed):
    chance = Random(seed)
    victims = chance.sample(VICTIMS, chance.choice([1, 1, 1, 2, 3]))
    commit = push(whole)
    time.sleep(chance.uniform(0, 10))
    crash(whole, *victims)
    wait_until(lambda: is_over(whole, commit))

    if whole.run(commit)["stage"] == "passed":
        assert results(whole, commit) == ["SUCCESS"]
        assert whole.packages(commit) == 1
    else:
        assert "jenkins" in victims
        assert results(whole, commit) == ["ABORTED"]
        assert whole.packages(commit) == 0
        assert whole.ended("ci_failure", commit)
