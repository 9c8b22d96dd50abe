"""What is announced when a build begins: what Jenkins itself says of it."""

from tests.whole.test_crashes import is_over, push
from tests.whole.world import PROJECT, Whole, wait_until


def announced(whole: Whole, commit: str) -> list[int]:
    """Return the builds of *commit* whose start was announced."""
    found = whole.rest.get("/executions/?action=core.announcement&limit=50")
    told = [one["parameters"]["message"] for one in found]
    return [one["build"] for one in told if one["event"] == "ci_started" and one["commit"] == commit]


def test_a_start_is_announced_once_jenkins_confirms_it(whole):
    commit = push(whole, 0)
    wait_until(lambda: is_over(whole, commit))
    (build,) = whole.builds(commit)
    assert announced(whole, commit) == [build["number"]]

    claimed = {"project": PROJECT, "commit": commit, "build": build["number"] + 100}
    execution = whole.rest.run("cicd.ci_start", claimed)

    assert execution["status"] == "failed"
    assert "does not exist there" in execution["result"]["output"]["error"]["error"]
    assert announced(whole, commit) == [build["number"]]
