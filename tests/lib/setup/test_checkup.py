"""The checkup names what is wrong and how to correct it, and never stops at the first thing."""

import copy
from pathlib import Path

import pytest
import requests
import yaml

from cicd import config
from cicd.clients import jenkins
from cicd.clients.stackstorm import StackStorm
from cicd.finding import GOOD, SKIPPED, WARNING, WRONG
from cicd.setup import checkup, ci_checks
from cicd.setup.checkup import Checkup

ROOT = Path(__file__).parents[3]
CLOSED = "http://127.0.0.1:9"


def settings(tmp_path: Path, consul: str, **more) -> config.Settings:
    (tmp_path / "token").write_text("t\n")
    values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
    token = {"token_file": str(tmp_path / "token")}
    values["consul"] = {"url": consul}
    values["jenkins"] = {"url": CLOSED, **token}
    values["github"] = {"api_url": CLOSED, **token}
    values["gateway"] = {"url": CLOSED}
    values["repository"]["url"] = CLOSED
    values["package"] = {"service": "nobody-builds"}
    return config.parse({**values, **more})


def findings(given: config.Settings) -> dict[str, checkup.Finding]:
    made = Checkup(given, list(given.projects.values()), {}, StackStorm({}))
    return {finding.what: finding for finding in made.findings()}


def test_where_nothing_answers_everything_is_named_with_a_way_out(tmp_path):
    found = findings(settings(tmp_path, CLOSED))

    for what in ("gateway", "Jenkins", "Consul", "APT repository", "build hosts", "greeter's hosts"):
        assert found[what].state == WRONG, what
        assert found[what].fix
    assert found["GitHub acme/greeter"].state == WARNING


def test_a_consul_that_may_be_written_is_good_and_left_as_it_was(tmp_path, consul):
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)

    found = findings(settings(tmp_path, consul))

    assert found["Consul"].state == found["Consul greeter::version"].state == GOOD
    assert found["build hosts"].state == WRONG
    assert found["greeter's canary ring"].state == found["greeter's production ring"].state == WRONG
    assert requests.get(f"{consul}/v1/kv/?recurse", timeout=10).status_code == 404


def test_a_ring_of_a_list_without_a_host_and_a_host_without_a_ring_are_named(tmp_path, consul):
    rings = [{"name": "staging", "tag": "{project}::staging"}, {"name": "live", "tag": "{project}::live"}]
    listed = settings(tmp_path, consul, projects={"greeter": {"repository": "acme/greeter", "rings": rings}})
    service = {"Service": "greeter", "Tags": ["greeter::app"], "Port": 80}
    lost = {"Node": "web9", "Address": "127.0.0.9"}
    requests.put(f"{consul}/v1/catalog/register", json={**lost, "Service": service}, timeout=10)
    try:
        found = findings(listed)
    finally:
        requests.put(f"{consul}/v1/catalog/deregister", json=lost, timeout=10)

    assert (
        found["greeter's staging ring"].said == found["greeter's live ring"].said == "has no host in Consul"
    )
    assert found["greeter on web9"].said == "its service has no tag of a ring"
    assert found["greeter on web9"].fix == "Register its service with the tag of a ring: staging, live."


def test_a_datacentre_that_consul_knows_no_way_to_is_named(tmp_path, consul):
    rings = [{"name": "staging"}, {"name": "live", "datacenter": "eu"}]
    listed = settings(tmp_path, consul, projects={"greeter": {"repository": "acme/greeter", "rings": rings}})

    found = findings(listed)

    eu = found["greeter in Consul's datacentre eu"]
    assert (eu.state, "asked about datacentre eu, has no route to it" in eu.said) == (WRONG, True)
    assert "consul members -wan" in eu.fix
    assert "greeter's live ring" not in found, "whether it has a host is not known"


def test_what_is_not_configured_is_no_mistake(tmp_path, consul):
    found = findings(settings(tmp_path, consul, gateway={}, github={}))

    assert found["gateway"].state == SKIPPED
    assert found["GitHub token"].state == WARNING


@pytest.mark.parametrize(
    ("page", "state", "said"),
    [
        ({"buildable": True, "property": []}, WRONG, "does not take PROJECT"),
        ({"buildable": False, "property": "all"}, WRONG, "is disabled"),
        ({"buildable": True, "property": "all"}, GOOD, "takes every parameter"),
    ],
)
def test_a_job_must_take_every_parameter(tmp_path, consul, page, state, said):
    names = [{"name": name} for name in jenkins.PARAMETERS]
    complete = [{"parameterDefinitions": names}, {"_class": f"x.{ci_checks.NOTIFIER}"}]
    page = {**page, "property": complete if page["property"] == "all" else page["property"]}
    project = settings(tmp_path, consul).project("greeter")

    first, *rest = ci_checks._job(project, page)

    assert first.state == state
    assert said in first.said
    assert [finding.state for finding in rest] == ([] if page["property"] else [WARNING])


def test_the_job_of_a_project_in_a_folder_must_take_the_folder_too(tmp_path, consul):
    names = [{"name": name} for name in jenkins.PARAMETERS]
    page = {"buildable": True, "property": [{"parameterDefinitions": names}]}
    projects = {"api": {"repository": "acme/shop", "directory": "api"}}
    project = settings(tmp_path, consul, projects=projects).project("api")

    first, *_ = ci_checks._job(project, page)

    assert (first.state, first.said) == (WRONG, "does not take DIRECTORY")


@pytest.mark.parametrize(
    ("conf", "state"),
    [
        ("[coordination]\nurl = redis://127.0.0.1:6379\n", GOOD),
        ("[coordination]\n", WRONG),
        ("[api]\nhost = x\n", WRONG),
        ("url = x\n", WRONG),
        (None, SKIPPED),
    ],
)
def test_stackstorm_needs_a_coordination_backend(tmp_path, monkeypatch, conf, state):
    path = tmp_path / "st2.conf"
    if conf is not None:
        path.write_text(conf)
    monkeypatch.setenv("ST2_CONFIG_PATH", str(path))

    (found,) = checkup.coordination()

    assert found.state == state
    assert bool(found.fix) == (state == WRONG)


def test_rules_must_hear_of_the_end_of_executions(tmp_path, monkeypatch):
    (tmp_path / "st2.conf").write_text("[action_sensor]\nenable = False\n[coordination]\nurl = redis://x\n")
    monkeypatch.setenv("ST2_CONFIG_PATH", str(tmp_path / "st2.conf"))

    assert [(f.what, f.state) for f in checkup.coordination()] == [
        ("action sensor", WRONG),
        ("coordination backend", GOOD),
    ]


def test_a_finding_is_one_line():
    line = checkup.Finding("Jenkins", WRONG, "does not answer.", "Start it.").line

    assert line == "WRONG    Jenkins: does not answer. Start it."
