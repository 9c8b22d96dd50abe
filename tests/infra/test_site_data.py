"""The data of a site: the example is valid and whole, and what is wrong is refused."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deb.tree import ROOT
from deb.version import version

SITE = yaml.safe_load((ROOT / "infra/site.yaml").read_text())
CICD = SITE["cicd"]
MATCHING = ("a1", "1.0", "http://a", "{address}", "80", ":80", "/a", "A", "a.service", "192.0.2.1")
SCHEMA = Draft202012Validator(json.loads((ROOT / "infra/site.schema.json").read_text()))


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the example with *value* at *path*, whose words have dots between."""
    site = copy.deepcopy(SITE)
    *way, last = path.split(".")
    part = site["cicd"]
    for word in way:
        part = part[word]
    part[last] = value
    return site


def test_the_example_is_valid():
    Draft202012Validator.check_schema(SCHEMA.schema)
    assert [error.message for error in SCHEMA.iter_errors(SITE)] == []


def test_what_the_example_names_is_there():
    assert set(CICD["consul"]["servers"]) <= set(CICD["hosts"])
    assert CICD["load_balancer"]["default"] in CICD["projects"]
    for host in CICD["hosts"].values():
        for project, ring in host.get("projects", {}).items():
            assert ring in CICD["projects"][project].get("rings", ["canary", "production"])


def test_the_example_has_every_role_and_our_own_version():
    roles = {role for host in CICD["hosts"].values() for role in host["roles"]}
    assert roles == {
        *("app_host", "build_host", "repository_host", "load_balancer"),
        *("stackstorm_host", "gateway_host", "status_host"),
    }
    ours = {number for name, number in CICD["versions"].items() if name.startswith("cicd-")}
    assert ours == {version()}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("hosts.web1.roles", ["web_host"]),
        ("hosts.web1.address", "web1"),
        ("projects.greeter.version", "1.0.0"),
        ("projects.greeter.tag", "greeter::app\nROOT=1"),
        ("projects.shop.settings", {"MAY_REMOVE": '"; rm -rf /; "'}),
        ("projects.shop.canary_tag", "shop::app_canary"),
        ("projects.greeter.environment", {"MOTTO": "one\ntwo"}),
        ("projects.greeter.environment", {"MOTTO": "one\n"}),
        ("projects.greeter.environment", {"MOTTO": True}),
        ("projects.greeter.environment", {"A\n": "b"}),
        ("projects.greeter.environment", {"A=B": "c"}),
        ("consul.encrypt", "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="),
        ("repository.url", "http://apt1.example.com bookworm"),
        ("load_balancer.bind", ":80\n  bind :81"),
    ],
)
def test_what_is_wrong_is_refused(path, value):
    assert list(SCHEMA.iter_errors(changed(path, value)))


def patterned(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each pattern below *part* of the schema, with where it is."""
    for name, inner in part.items() if isinstance(part, dict) else ():
        if name == "pattern":
            yield path, inner
        yield from patterned(inner, f"{path}.{name}")


@pytest.mark.parametrize(("path", "pattern"), [*patterned(SCHEMA.schema)])
def test_no_pattern_takes_a_line_break_at_the_end(path, pattern):
    taken = [value for value in MATCHING if re.search(pattern, value)]

    assert taken, f"name a value for {path}"
    assert not [value for value in taken if re.search(pattern, f"{value}\n")]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("repository_host.listen", "80\n"),
        ("repository_host.signing_key", "a@example.com\n"),
        ("files", "/srv/files\n"),
        ("hosts.web1.projects", {"greeter\n": "canary"}),
        ("app_host.settings", {"DRAIN_SECONDS": "1\n"}),
        ("versions", {**CICD["versions"], "consul": "1.8.7\n"}),
    ],
)
def test_a_line_break_at_the_end_is_refused(path, value):
    assert list(SCHEMA.iter_errors(changed(path, value)))


def test_any_text_of_one_line_is_an_environment():
    assert not list(SCHEMA.iter_errors(changed("projects.greeter.environment", {"http_proxy": "\"'$`\\ #"})))


@pytest.mark.parametrize(("old", "role"), [("gateway", "gateway_host"), ("status_page", "status_host")])
def test_what_was_inside_of_stackstorm_host_is_refused_with_where_it_is_now(old, role):
    site = changed(f"stackstorm_host.{old}", {"config_file": "a.yaml", "secrets": {}})

    (wrong,) = SCHEMA.iter_errors(site)
    assert wrong.validator == "not"
    assert (
        f"it is the section {role} now. Move it there, and add {role} to `roles`"
        in wrong.schema["description"]
    )
