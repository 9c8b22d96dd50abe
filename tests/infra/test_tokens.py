"""Consul's tokens of a site, as infra/consul/tokens.py grants them on a real Consul with ACLs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.onboarding.consul_acl import host_token, policy_name
from tests.conftest import agent
from tests.infra.token_site import MANAGEMENT, NEEDED, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(scope="module")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Consul with ACLs for which no token was made."""
    folder = tmp_path_factory.mktemp("consul")
    acl = {"enabled": True, "default_policy": "deny"}
    with agent(folder, acl=acl, node_name="stack1") as (url, _):
        yield url


@pytest.fixture(scope="module")
def granted(consul: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site after its first run with --grant, when web1 is in Consul."""
    made = Site(tmp_path_factory.mktemp("site"))
    made.said()
    made.first = made.said("--grant", "--url", consul)
    headers, web1 = {"X-Consul-Token": made.token(MANAGEMENT)}, {"Node": "web1", "Address": "127.0.0.9"}
    done = requests.put(f"{consul}/v1/catalog/register", headers=headers, json=web1, timeout=10)
    assert done.ok, done.text
    return made


@pytest.fixture(scope="module")
def ask(consul: str) -> Callable[..., requests.Response]:
    def asked(token: str, method: str, path: str, body: object = None) -> requests.Response:
        headers = {"X-Consul-Token": token}
        return requests.request(method, f"{consul}/v1/{path}", headers=headers, json=body, timeout=10)

    return asked


def test_neither_run_shows_a_secret(granted, consul):
    shown = "\n".join([*granted.first, *granted.said(), *granted.said("--grant", "--url", consul)])

    assert not [name for name, token in granted.tokens.items() if token in shown]
    assert (granted.files / MANAGEMENT).stat().st_mode & 0o777 == 0o600


def test_a_second_run_changes_nothing_and_says_so(granted, consul, ask):
    manager = granted.token(MANAGEMENT)
    before = [ask(manager, "GET", f"acl/{what}").json() for what in ("tokens", "policies")]
    said = granted.said("--grant", "--url", consul)

    assert said == [f"Consul knows the {len(NEEDED)} tokens of the site; nothing changed."]
    assert [ask(manager, "GET", f"acl/{what}").json() for what in ("tokens", "policies")] == before


RIGHTS = [
    ("stackstorm/consul.token", "PUT", "kv/cicd/greeter/release", 200),
    ("stackstorm/consul.token", "PUT", "kv/greeter::version", 200),
    ("stackstorm/consul.token", "PUT", "kv/cicd/shop/wanted/canary", 200),
    ("stackstorm/consul.token", "PUT", "session/create", 200),
    ("stackstorm/consul.token", "PUT", "kv/cicd/greeter/hosts/web1", 403),
    ("stackstorm/consul.token", "PUT", "kv/cicd/other/release", 403),
    ("status/consul.token", "GET", "kv/cicd/?keys", 200),
    ("status/consul.token", "PUT", "kv/cicd/greeter/release", 403),
    ("gateway/consul.token", "PUT", "kv/cicd/.joins/one", 200),
    ("gateway/consul.token", "PUT", "kv/cicd/.pushes/one", 403),
    ("consul/web1.converge.token", "PUT", "kv/cicd/greeter/hosts/web1", 200),
    ("consul/web1.converge.token", "PUT", "kv/cicd/shop/hosts/web1", 200),
    ("consul/web1.converge.token", "PUT", "kv/cicd/greeter/hosts/web2", 403),
    ("consul/web1.converge.token", "PUT", "kv/cicd/greeter/wanted/canary", 403),
    ("consul/apt1.traffic.token", "PUT", "kv/cicd/.traffic/applied/apt1", 200),
    ("consul/apt1.traffic.token", "PUT", "kv/cicd/.render/apt1", 403),
    ("consul/apt1.render.token", "PUT", "kv/cicd/.render/apt1", 200),
    ("consul/apt1.render.token", "PUT", "kv/cicd/.traffic/applied/apt1", 403),
    ("consul/apt1.agent.token", "PUT", "kv/cicd/greeter/release", 403),
    ("consul/web1.agent.token", "PUT", "acl/token", 403),
]


@pytest.mark.parametrize(("name", "method", "path", "code"), RIGHTS)
def test_each_token_may_what_its_part_needs_and_not_more(granted, ask, name, method, path, code):
    ask(granted.token(MANAGEMENT), "PUT", "kv/cicd/here", {})

    assert ask(granted.token(name), method, path, None if method == "GET" else {}).status_code == code


@pytest.mark.parametrize(
    ("host", "node", "service", "code"),
    [
        ("apt1", "apt1", "apt", 200),
        ("apt1", "apt1", "build", 403),
        ("apt1", "web2", "apt", 403),
        ("build1", "build1", "build", 200),
        ("build1", "build1", "apt", 403),
        ("web1", "web1", "", 200),
        ("web1", "web2", "", 403),
        ("web1", "web1", "greeter", 403),
        ("stack1", "stack1", "", 200),
        ("stack1", "stack1", "apt", 403),
    ],
)
def test_an_agent_registers_its_own_node_and_offers_what_its_roles_do(
    granted, ask, host, node, service, code
):
    body: dict[str, Any] = {"Node": node, "Address": "127.0.0.9"}
    body |= {"Service": {"Service": service}} if service else {}
    answer = ask(granted.token(f"consul/{host}.agent.token"), "PUT", "catalog/register", body)

    assert answer.status_code == code, answer.text


def test_a_load_balancer_that_is_also_the_repository_host_answers_dns_for_all_nodes(granted, ask):
    nodes = ask(granted.token("consul/apt1.agent.token"), "GET", "catalog/nodes").json()

    assert {"web1", "stack1"} <= {node["Node"] for node in nodes}


def test_adding_a_project_finds_the_tokens_and_policies_as_it_makes_them(granted, ask):
    manager, project = granted.token(MANAGEMENT), "greeter"
    described = {one["Description"] for one in ask(manager, "GET", "acl/tokens").json()}
    policies = {one["Name"] for one in ask(manager, "GET", "acl/policies").json()}

    assert {host_token(f"web{number}") for number in (1, 2, 3)} <= described
    assert {policy_name("web1", project), policy_name("stackstorm", project)} <= policies


def test_the_version_keys_of_a_projects_own_rings_are_in_its_policy(granted, consul, ask):
    name = "stackstorm/cicd.yaml"
    before = (granted.files / name).read_text()
    rings = [{"name": "canary", "version_key": "other/{project}"}, {"name": "production"}]
    project = {"repository": "acme/greeter", "job": "greeter", "lifecycle": "web"}
    granted.configure(name, lifecycles={"web": rings}, projects={"greeter": project})
    try:
        said = granted.said("--grant", "--url", consul)
        assert said[0] == "policy stackstorm-greeter: changed"
        assert ask(granted.token("stackstorm/consul.token"), "PUT", "kv/other/greeter", {}).ok
    finally:
        (granted.files / name).write_text(before)
        granted.said("--grant", "--url", consul)


def test_a_token_whose_file_changed_is_replaced_and_keeps_what_adding_a_project_gave_it(granted, consul, ask):
    manager, name = granted.token(MANAGEMENT), "consul/web1.converge.token"
    old = granted.token(name)
    rules = {"Name": "web1-added", "Rules": 'key "cicd/added/hosts/web1" { policy = "write" }'}
    assert ask(manager, "PUT", "acl/policy", rules).ok
    known = ask(old, "GET", "acl/token/self").json()
    links = {"Policies": [*known["Policies"], {"Name": "web1-added"}]}
    assert ask(manager, "PUT", f"acl/token/{known['AccessorID']}", {**known, **links}).ok
    assert granted.said("--grant", "--url", consul)[-1].endswith("nothing changed.")
    (granted.files / name).unlink()
    granted.said()
    said = granted.said("--grant", "--url", consul)

    assert said[:-1] == ["token cicd-converge on web1: replaced"]
    assert ask(old, "PUT", "kv/cicd/greeter/hosts/web1", {}).status_code == 403
    for project in ("greeter", "added"):
        assert ask(granted.token(name), "PUT", f"kv/cicd/{project}/hosts/web1", {}).ok


def test_a_new_role_or_project_is_granted_to_the_token_that_is_there(granted, consul, ask):
    token = granted.token("consul/build1.agent.token")
    granted.data["hosts"]["build1"]["roles"].append("load_balancer")
    granted.write()
    try:
        granted.said()
        said = granted.said("--grant", "--url", consul)
    finally:
        granted.data["hosts"]["build1"]["roles"].remove("load_balancer")
        granted.write()

    assert "token the agent of build1: changed" in said
    assert "web1" in {node["Node"] for node in ask(token, "GET", "catalog/nodes").json()}


def test_a_consul_that_someone_else_manages_is_named_with_where_its_token_belongs(granted, consul, site):
    site.said()

    assert f"Write it into {site.files / MANAGEMENT}" in site.refusal("--grant", "--url", consul)
    assert not (site.files / MANAGEMENT).exists()
    (site.files / MANAGEMENT).write_text(f"{uuid.uuid4()}\n")
    assert "denies the management token" in site.refusal("--grant", "--url", consul)
