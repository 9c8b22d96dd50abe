"""The Puppet module: its form, and where its data come from, with a real Consul."""

import json
import subprocess
from pathlib import Path

import pytest
import requests
import yaml

from infra.puppet import apply

ROOT = Path(__file__).parents[2]
PUPPET = ROOT / "infra" / "puppet"
MODULE = PUPPET / "cicd"
SITE = yaml.safe_load((ROOT / "infra" / "site.yaml").read_text())["cicd"]
NOWHERE = "http://127.0.0.1:1/v1/kv/puppet"
SETTINGS = "cicd::app_host::settings"
MODULES = f"{PUPPET}:/usr/share/puppet/modules"
# As `puppet lookup` with a default, without the facts of this machine, which take it seconds.
LOOK_UP = """
require 'json'
require 'puppet'
require 'puppet_pal'
folder, modules, key = ARGV
Puppet.initialize_settings(["--confdir=#{folder}/conf", "--vardir=#{folder}/var"])
Puppet[:hiera_config] = "#{folder}/hiera.yaml"
Puppet::Util::Log.newdestination(:console)
Puppet::Pal.in_tmp_environment('site', modulepath: modules.split(':'), facts: {}) do |site|
  site.with_script_compiler do |compiler|
    puts JSON.generate(compiler.call_function('lookup', key, 'default_value' => 'usual'))
  end
end
"""


def said(*argv: str) -> str:
    """Return what *argv* says, which is nothing wrong."""
    done = subprocess.run(argv, cwd=PUPPET, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def look_up(tmp_path: Path):
    """Look up a key of a hierarchy whose last level is Consul."""

    def run(
        key: str, uri: str, *required: str, data: Path = ROOT / "infra" / "site.yaml"
    ) -> subprocess.CompletedProcess[str]:
        site = {"name": "Site", "path": str(data), "data_hash": "yaml_data"}
        level = {"name": "Consul", "lookup_key": "cicd::consul_kv", "uri": uri}
        levels = [site, {**level, "options": {"required": list(required)}}]
        (tmp_path / "hiera.yaml").write_text(yaml.safe_dump({"version": 5, "hierarchy": levels}))
        argv = ["ruby", "-e", LOOK_UP, str(tmp_path), MODULES, key]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    return run


def test_puppet_accepts_each_file_of_the_module():
    said("puppet", "parser", "validate", "manifests", *map(str, MODULE.rglob("*.pp")))
    said("puppet", "epp", "validate", *map(str, MODULE.rglob("*.epp")))


def test_puppet_lint_finds_nothing():
    assert said("puppet-lint", "--fail-on-warnings", "manifests", "cicd") == ""


def test_the_data_file_is_what_hiera_says(look_up):
    found = look_up("cicd", NOWHERE)

    assert yaml.safe_load(found.stdout) == SITE


@pytest.mark.long
def test_a_parameter_comes_from_consul(look_up, consul):
    requests.put(f"{consul}/v1/kv/puppet/{SETTINGS}", data="{DRAIN_SECONDS: 10}", timeout=10)

    found = look_up(SETTINGS, f"{consul}/v1/kv/puppet", SETTINGS)

    assert yaml.safe_load(found.stdout) == {"DRAIN_SECONDS": 10}


def test_a_required_key_that_consul_does_not_have_ends_the_lookup_in_spite_of_a_default(look_up, consul):
    found = look_up("cicd::lost", f"{consul}/v1/kv/puppet", "cicd::lost")

    assert found.returncode != 0
    assert f"Consul has no key cicd::lost at {consul}/v1/kv/puppet. Put it there." in found.stderr
    assert found.stdout == ""


@pytest.mark.long
def test_a_required_key_ends_the_lookup_while_consul_does_not_answer(look_up):
    found = look_up(SETTINGS, NOWHERE, SETTINGS)

    assert found.returncode != 0
    assert f"Consul at {NOWHERE} does not say what {SETTINGS} is" in found.stderr
    assert "any default would be a guess" in found.stderr
    assert found.stdout == ""


@pytest.mark.long
def test_any_other_key_has_its_default_then_and_a_warning_says_so(look_up):
    found = look_up(SETTINGS, NOWHERE)

    assert yaml.safe_load(found.stdout) == "usual"
    assert "What is said elsewhere counts." in found.stderr


def test_a_host_is_sent_no_secret_of_another_role_or_host():
    assert apply.needed(SITE, "web1") == {
        "apt/public.asc",
        "consul/ca.pem",
        "consul/gossip.key",
        "consul/web1-key.pem",
        "consul/web1.agent.token",
        "consul/web1.converge.token",
        "consul/web1.pem",
        "stackstorm/id_ed25519.pub",
    }


def test_a_machine_with_the_gateway_and_the_status_page_is_sent_nothing_that_is_stackstorms_alone():
    hosts = {**SITE["hosts"], "door1": {"address": "192.0.2.30", "roles": ["gateway_host", "status_host"]}}
    sent = apply.needed({**SITE, "hosts": hosts}, "door1")

    assert {file for file in sent if file.startswith(("stackstorm/", "gateway/", "status/"))} == {
        "gateway/gateway.yaml",
        *SITE["gateway_host"]["secrets"].values(),
        "stackstorm/cicd.yaml",
        "status/status.yaml",
        *SITE["status_host"]["secrets"].values(),
    }


def test_each_file_that_the_data_name_is_sent_to_some_host():
    sent = {file for host in SITE["hosts"] for file in apply.needed(SITE, host)}

    assert named(SITE, "") <= {file.replace(host, "{host}") for host in SITE["hosts"] for file in sent} | sent


def test_a_value_that_needs_no_quotes_elsewhere_is_a_text_to_puppet(look_up, tmp_path):
    (tmp_path / "bare.yaml").write_text("cicd:\n  bind: :80\n  motto: grüße\n  port: 80\n")
    (tmp_path / "site.yaml").write_bytes(apply.quoted(tmp_path / "bare.yaml"))

    found = look_up("cicd", NOWHERE, data=tmp_path / "site.yaml")

    assert json.loads(found.stdout) == {"bind": ":80", "motto": "grüße", "port": 80}


def named(value: object, key: str) -> set[str]:
    """Return the files that the data below *value* name."""
    if isinstance(value, dict):
        names = {one for name, inner in value.items() for one in named(inner, name)}
        return names | (set(value.values()) if key == "secrets" else set())
    return {str(value)} if key.endswith("_file") else set()


def test_the_repository_host_comes_first():
    assert apply.in_order(SITE, ["web1", "apt1", "web2"]) == [["apt1"], ["web1", "web2"]]
    assert apply.in_order(SITE, ["web1"]) == [["web1"]]
