"""What a push means."""

import pytest

from cicd.config import Project
from cicd.push import decide

GREETER = Project("greeter", "acme/greeter", branch="main")


@pytest.mark.parametrize(
    ("project", "branch", "stage", "build"),
    [
        (GREETER, "main", None, True),
        (GREETER, "main", "failed", True),
        (GREETER, "main", "building", False),
        (GREETER, "main", "passed", False),
        (GREETER, "feature/x", None, False),
        (GREETER, "mainly", None, False),
        (None, "main", None, False),
    ],
)
def test_defect_8_only_a_new_commit_on_the_deployed_branch_builds(project, branch, stage, build):
    decision = decide(project, "acme/greeter", branch, stage)

    assert decision.build is build
    assert decision.reason
