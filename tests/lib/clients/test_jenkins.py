"""What the job of a project is given, and which build is one of what was asked."""

import pytest

from cicd.clients import jenkins
from cicd.clients.ci_server import BuildResult
from cicd.config import Project
from cicd.errors import CiError
from tests.lib.consul_settings import changed, settings

COMMIT = "a" * 40
WHOLE = Project("api", "acme/shop")
INSIDE = Project("api", "acme/shop", directory="apps/api")
SETTINGS = changed(settings("http://127.0.0.1:1"), "jenkins", token_file="")


@pytest.mark.parametrize(("project", "more"), [(WHOLE, {}), (INSIDE, {"DIRECTORY": "apps/api"})])
def test_the_job_of_a_project_gets_its_folder_when_it_has_one(project, more):
    given = jenkins.parameters(SETTINGS, project, COMMIT, "main")

    assert set(given) == set(jenkins.parameter_names(project)) == {*jenkins.PARAMETERS, *more}
    assert more.items() <= given.items()


def test_a_build_of_another_folder_is_not_the_one_that_was_asked_for():
    wanted = jenkins.parameters(SETTINGS, INSIDE, COMMIT, "main")
    other = BuildResult(7, "SUCCESS", "http://j/", 1.0, 1.0, 7, {**wanted, "DIRECTORY": "apps/web"})

    with pytest.raises(CiError, match="it differs in DIRECTORY"):
        jenkins.Jenkins(SETTINGS).verified(INSIDE, other, COMMIT, "main")
