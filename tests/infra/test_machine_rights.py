"""The rights of a machine that joins, on a real Consul that denies by default; nothing is left of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.errors import ConfigError
from cicd.onboarding.wanted import Request, Wanted
from cicd.provisioning import rights
from tests.infra import test_consul_acl
from tests.lib.consul_settings import changed, settings

consul = test_consul_acl.consul
NAME, JOIN = "greeter-production-1a2b3c4d", "kv/cicd/.joins/" + "0" * 64


@pytest.fixture
def asked(consul, tmp_path: Path) -> Iterator[Wanted]:
    """A host of greeter that is asked for, where one token manages ACLs."""
    (tmp_path / "manages").write_text(consul.master)
    found = settings(consul.url)
    found = changed(found, "consul", token_file=str(tmp_path / "manages"))
    found = changed(found, "administration", consul_token_file=str(tmp_path / "manages"))
    request = Request(hosts={"production": [NAME]}, port=8080, health="/health", unit="")
    yield Wanted(found.project("greeter"), found, request)
    rights.removed(found, NAME, ["greeter"])


def test_a_machine_registers_itself_and_reports_for_itself_alone(consul, asked):
    given = rights.made(asked)
    again = rights.made(asked)

    assert given == again
    for node, code in ((NAME, 200), ("web1", 403)):
        body = {"Node": node, "Address": "192.0.2.7"}
        assert consul.ask(given.agent, "PUT", "catalog/register", body).status_code == code
        assert consul.ask(given.converge, "PUT", f"kv/cicd/greeter/hosts/{node}", "{}").status_code == code
    rights.removed(asked.settings, NAME, ["greeter"])
    for secret in given:
        assert consul.ask(secret, "GET", "acl/token/self").status_code == 403
    policies = consul.ask(consul.master, "GET", "acl/policies").json()
    assert [one["Name"] for one in policies if NAME in one["Name"]] == []
    consul.ask(consul.master, "PUT", "catalog/deregister", {"Node": NAME})


def test_without_a_token_that_manages_no_machine_is_made(asked):
    asked = Wanted(
        asked.project, changed(asked.settings, "administration", consul_token_file=""), asked.request
    )

    with pytest.raises(ConfigError, match=f"nothing may make a token for {NAME}"):
        rights.made(asked)


def test_the_gateway_hands_over_what_is_sealed_and_reads_nothing_else(consul):
    gateway = consul.token("gateway")

    assert consul.ask(gateway, "PUT", JOIN, {"state": "open"}).ok
    assert consul.ask(gateway, "GET", JOIN).ok
    for key in ("cicd/.machines/x", "cicd/greeter/release", "cicd/.pushes/x"):
        assert consul.ask(gateway, "PUT", f"kv/{key}", {}).status_code == 403
        assert consul.ask(gateway, "GET", f"kv/{key}").status_code in (403, 404)
