"""Which callbacks reach the rules, and as whose: those of the stand-in, which speaks as the plugin does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.jenkins.build import PARAMETERS, Build
from lab.jenkins.callback import payload
from st2local import jsonpath
from st2local.content.resources import Resource
from st2local.database import Database
from st2local.datastore import Datastore
from st2local.engine.matching import Matcher
from st2local.templates import Templates

ROOT = Path(__file__).resolve().parents[2]
RULES = [
    Resource("rule", "cicd", path.stem, yaml.safe_load(path.read_text()), path)
    for path in sorted((ROOT / "rules").glob("on_jenkins_*.yaml"))
]
VALUES = ("greeter", "a" * 40, "main", "r", f"acme/greeter@{'a' * 40}", "")
ASKED = dict(zip(PARAMETERS, VALUES, strict=True))
PHASES = {
    ("STARTED", None): ["on_jenkins_started"],
    ("FINALIZED", "SUCCESS"): ["on_jenkins_passed"],
    ("FINALIZED", "FAILURE"): ["on_jenkins_failed"],
    ("COMPLETED", "FAILURE"): [],
}


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    return Templates(Datastore(Database(tmp_path / "db"), tmp_path / "key"))


def told(phase: str, result: str | None, job: str, parameters: dict[str, str]) -> dict[str, Any]:
    build = Build(job, 7, 3, parameters, 1, result=result)
    return {"body": payload(build, phase, 1, "http://jenkins/"), "headers_lower": {}}


def matching(templates: Templates, event: dict[str, Any]) -> list[Resource]:
    return Matcher(templates, {"id": "1", "payload": event}, lambda rule, why: None).matching(RULES)


@pytest.mark.parametrize("job", ["greeter", "teams/shop/main", "shop/feature%2Fcart"])
@pytest.mark.parametrize(("phase", "result"), PHASES)
def test_a_callback_is_its_projects_whatever_the_job_is_called(templates, phase, result, job):
    event = told(phase, result, job, ASKED)
    found = matching(templates, event)

    assert [rule.name for rule in found] == PHASES[phase, result]
    for rule in found:
        wanted = rule.data["action"]["parameters"]
        path = wanted["project"].strip("{} ")
        assert jsonpath.find({"trigger": event}, path) == ["greeter"]


@pytest.mark.parametrize(
    "parameters",
    [{}, dict.fromkeys(PARAMETERS, ""), {**ASKED, "COMMIT": ""}, {**ASKED, "COMMIT": "main"}],
    ids=["none", "defaults", "no commit", "a branch"],
)
@pytest.mark.parametrize(("phase", "result"), PHASES)
def test_a_build_that_a_person_started_without_parameters_starts_nothing(
    templates, phase, result, parameters
):
    assert matching(templates, told(phase, result, "greeter", parameters)) == []
