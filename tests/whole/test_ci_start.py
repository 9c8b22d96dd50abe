"""What is said when a build begins: what Jenkins itself says of it."""

from tests.whole.test_crashes import is_over, push
from tests.whole.world import PROJECT, Whole, wait_until


def started(whole: Whole, commit: str) -> list[int]:
    """Return the builds of *commit* that Jenkins confirmed."""
    found = whole.rest.get("/executions/?action=cicd.ci_start&status=succeeded&limit=50")
    mine = [one for one in found if one["parameters"]["commit"] == commit]
    return [one["result"]["output"]["build"] for one in mine]


def test_a_start_counts_once_jenkins_confirms_it(whole):
    commit = push(whole, 0)
    wait_until(lambda: is_over(whole, commit))
    (build,) = whole.builds(commit)
    assert started(whole, commit) == [build["number"]]

    claimed = {"project": PROJECT, "commit": commit, "build": build["number"] + 100}
    execution = whole.rest.run("cicd.ci_start", claimed)

    assert execution["status"] == "failed"
    assert "does not exist there" in execution["result"]["output"]["error"]["error"]
    assert started(whole, commit) == [build["number"]]
