"""The rights of a project that is added, on a real Consul that denies by default; nothing is left of them."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.clients.scripts import script_text
from cicd.errors import ConsulError
from cicd.onboarding import consul_acl, wanted
from cicd.onboarding.item import LEFT, MISSING, OTHER, THERE
from cicd.onboarding.wanted import Wanted
from tests.infra import test_consul_acl
from tests.lib.consul_settings import changed
from tests.lib.onboarding.test_wanted import given, request

consul = test_consul_acl.consul


@pytest.fixture
def asked(consul, tmp_path: Path) -> Iterator[Wanted]:
    """A project that is asked for, where StackStorm has its token and another one manages."""
    for name in ("own", "manages"):
        (tmp_path / name).write_text(consul.master)
    policy = consul.policy("stackstorm")
    (tmp_path / "own").write_text(consul.made({"Policies": [{"Name": policy}]}))
    values = {**given(tmp_path), "consul": {"url": consul.url, "token_file": str(tmp_path / "own")}}
    found = wanted.parse(values, "shop", request())
    manages = changed(found.settings, "administration", consul_token_file=str(tmp_path / "manages"))
    yield replace(found, settings=manages)
    (tmp_path / "manages").write_text(consul.master)
    for item in consul_acl.items(replace(found, settings=manages)):
        item.remove()


def states(asked: Wanted) -> dict[str, str]:
    return {item.what: item.state for item in consul_acl.items(asked)}


def test_each_gets_what_its_policy_says_once_and_loses_it_again(consul, asked, tmp_path):
    own = (tmp_path / "own").read_text()
    denied = consul.ask(own, "PUT", "kv/cicd/shop/release", "{}").status_code
    for item in consul_acl.items(asked):
        item.make()
        item.make()

    assert denied == 403
    assert set(states(asked).values()) == {THERE}
    assert consul.ask(own, "PUT", "kv/cicd/shop/release", "{}").ok
    host = consul_acl.secret_of(asked, "web1")
    assert consul.ask(host, "PUT", "kv/cicd/shop/hosts/web1", "{}").ok
    assert consul.ask(host, "PUT", "kv/cicd/shop/hosts/web2", "{}").status_code == 403
    for item in consul_acl.items(asked):
        item.remove()
        item.remove()
    assert set(states(asked).values()) == {MISSING}
    assert consul.ask(own, "PUT", "kv/cicd/shop/release", "{}").status_code == 403
    tokens = consul.ask(consul.master, "GET", "acl/tokens").json()
    assert not [token for token in tokens if token["Description"].startswith("cicd-converge on")]


def test_a_host_with_a_whole_domain_name_and_a_project_with_a_dot_get_theirs(consul, asked, tmp_path):
    hosts = {"canary": ["web1.example.com"], "production": ["web1_example.com"]}
    found = wanted.parse(given(tmp_path), "shop.web", request(hosts=hosts))
    dotted = replace(found, settings=replace(asked.settings, projects=found.settings.projects))
    for item in consul_acl.items(dotted):
        item.make()

    assert list(states(dotted).values()) == [THERE] * 3
    host = consul_acl.secret_of(dotted, "web1.example.com")
    assert consul.ask(host, "PUT", "kv/cicd/shop.web/hosts/web1.example.com", "{}").ok
    for item in consul_acl.items(dotted):
        item.remove()
    assert list(states(dotted).values()) == [MISSING] * 3


def test_a_host_that_has_a_token_gets_the_policy_on_that_one_and_keeps_it_afterwards(consul, asked):
    kept = consul.made(
        {"Description": "cicd-converge on web1", "Policies": [{"Name": consul.policy("build-host")}]}
    )
    for item in consul_acl.items(asked):
        item.make()

    assert consul_acl.secret_of(asked, "web1") == kept
    for item in consul_acl.items(asked):
        item.remove()
    assert consul_acl.secret_of(asked, "web1") == kept
    token = consul_acl.Acl(asked.settings).token("cicd-converge on web1")
    consul_acl.Acl(asked.settings).delete_token(token)


def test_what_was_made_half_is_completed_and_a_policy_that_says_something_else_is_told(consul, asked):
    acl = consul_acl.Acl(asked.settings)
    stackstorm, host, _ = consul_acl.items(asked)
    stackstorm.make()
    acl.create_policy("web1-shop", 'key "cicd/shop/release" { policy = "write" }')
    found = states(asked)

    assert found[stackstorm.what] == THERE
    assert found[host.what] == OTHER


def test_a_token_that_may_not_manage_is_named_and_without_one_it_is_left_to_people(consul, asked, tmp_path):
    (tmp_path / "manages").write_text((tmp_path / "own").read_text())
    with pytest.raises(ConsulError, match=r"administration\.consul_token_file"):
        list(consul_acl.items(asked))
    none = replace(asked, settings=changed(asked.settings, "administration", consul_token_file=""))

    assert [item.state for item in consul_acl.items(none)] == [LEFT]


@pytest.fixture
def host(consul, tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """A function that lets a host, which is the folder `host` here, run a project by the token *made*."""
    root = tmp_path / "host"
    for folder in ("etc/cicd", "etc/consul.d", "bin"):
        (root / folder).mkdir(parents=True)
    for program in ("cicd-converge", "systemctl"):
        (root / "bin" / program).write_text("#!/bin/sh\n")
        (root / "bin" / program).chmod(0o755)
    conf = f"CONSUL_HTTP_ADDR={consul.url}\nCONSUL_TOKEN_FILE='{root}/etc/cicd/token'\n"
    (root / "etc/cicd/converge.conf").write_text(conf)
    text = script_text("add_to_host").replace("/usr/bin/", f"{root}/bin/").replace("/etc/", f"{root}/etc/")

    def add(made: str) -> subprocess.CompletedProcess[str]:
        given = tmp_path / "given"
        given.mkdir()
        for name, content in {"token": made, "conf": "", "service": ""}.items():
            (given / name).write_text(content)
        path = f"{root / 'bin'}:{os.environ['PATH']}"
        argv = ["sh", "-c", text, "sh", "shop", str(given)]
        return subprocess.run(argv, env={"PATH": path}, capture_output=True, text=True, timeout=30)

    return add


def test_a_token_that_consul_knows_no_more_is_replaced_on_a_host_and_another_one_is_refused(
    consul, host, tmp_path
):
    file = tmp_path / "host/etc/cicd/token"
    first, other = consul.made({"Description": "a"}), consul.made({"Description": "b"})

    assert (host(first).returncode, file.read_text()) == (0, first)
    refused = host(other)
    assert (refused.returncode, file.read_text()) == (1, first)
    assert "has another token than the one that Consul describes" in refused.stderr
    file.write_text(f"{uuid.uuid4()}\n")
    assert (host(other).returncode, file.read_text()) == (0, other)
    file.chmod(0o640)
    assert (host(other).returncode, file.stat().st_mode & 0o777) == (0, 0o640)
    assert first not in refused.stderr + refused.stdout
