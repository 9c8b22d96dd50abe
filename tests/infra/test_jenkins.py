"""Jenkins as code: the pipeline, Job DSL in JCasC and the XML take what the pack gives a build."""

import re
from pathlib import Path
from xml.etree import ElementTree

import yaml

from cicd.ci import jenkins_job
from cicd.clients.jenkins import DIRECTORY, PARAMETERS, parameters
from cicd.config import Project
from lab.jenkins import job_config
from tests.lib.consul_settings import settings

FOLDER = Path(__file__).parents[2] / "infra" / "jenkins"
PIPELINE = (FOLDER / "Jenkinsfile").read_text()
AS_CODE = yaml.safe_load((FOLDER / "jenkins.yaml").read_text())
DSL = AS_CODE["jobs"][0]["script"]
INSIDE = Project("api", "acme/shop", directory="apps/api", job="shop/api")
GIVEN = list(parameters(settings("http://127.0.0.1:1"), INSIDE, "a" * 40, "main"))
XML = jenkins_job.config_xml(INSIDE)


def test_all_three_take_the_parameters_that_a_build_is_given():
    assert [*PARAMETERS, DIRECTORY] == GIVEN
    assert re.findall(r"string\(name: '(\w+)'", PIPELINE) == GIVEN
    assert re.findall(r"stringParam\('(\w+)'\)", DSL) == GIVEN
    assert list(job_config.read(XML).parameters) == GIVEN


def test_the_xml_brings_the_pipeline_itself_and_tells_the_gateway_without_a_secret():
    root = ElementTree.fromstring(XML.partition("?>")[2])
    where = root.find(".//urlInfo")

    assert root.findtext("definition/script") == PIPELINE
    assert (where.findtext("urlOrId"), where.findtext("urlType")) == ("cicd-gateway", "SECRET")
    assert root.findtext(".//loglines") == "0"


def test_hostile_names_stay_text_in_the_xml():
    odd = Project("a&b", "acme/<script>")

    assert "project a&b." in ElementTree.fromstring(jenkins_job.config_xml(odd).partition("?>")[2]).findtext(
        "description"
    )


def test_as_code_names_the_same_credentials_and_the_same_endpoint():
    given = AS_CODE["credentials"]["system"]["domainCredentials"][0]["credentials"]
    known = {value["id"] for one in given for value in one.values()}
    endpoint = dict(re.findall(r"(\w+)\('?([\w-]+)'?\)", DSL))
    xml = ElementTree.fromstring(XML.partition("?>")[2]).find(".//endpoints")[0]

    assert known == {jenkins_job.GATEWAY_CREDENTIAL, "cicd-source"}
    assert "credentialsId: 'cicd-source'" in PIPELINE
    for name in ("protocol", "format", "event", "timeout", "loglines", "retries", "urlOrId", "urlType"):
        assert xml.find(f".//{name}").text == endpoint[name]


def test_the_pipeline_can_stand_in_groovys_and_jcascs_quotes():
    # In JCasC it lands between three quotes of a Groovy string, and what looks like a variable is replaced.
    assert not [one for one in ("'''", "\\", "${") if one in PIPELINE]
    # Groovy puts no parameter into a shell's line: the shell reads it from its environment.
    assert 'sh "' not in PIPELINE


def test_plugins_are_pinned_each_once():
    lines = [line for line in (FOLDER / "plugins.txt").read_text().splitlines() if not line.startswith("#")]

    assert all(re.fullmatch(r"[a-z0-9-]+:[0-9][\w.]*", line) for line in lines)
    assert len({line.partition(":")[0] for line in lines}) == len(lines)
    assert {"notification", "git", "job-dsl", "configuration-as-code"} <= {x.partition(":")[0] for x in lines}


def test_a_job_in_folders_needs_each_of_them_the_outermost_first():
    assert jenkins_job.folders("a/b/job") == ["a", "a/b"]
    assert jenkins_job.folders("job") == []
