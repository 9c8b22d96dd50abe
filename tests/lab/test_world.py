"""The lab's map, and what is written from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from cicd import config
from gateway import config as gateway_config
from lab.consul import agent, encryption
from lab.errors import LabError
from lab.haproxy import config as haproxy
from lab.hosts import app, keys
from lab.hosts.tools import Tools
from lab.jenkins import host as jenkins
from lab.jenkins.settings import Settings
from lab.places import Places
from lab.project import FIRST
from lab.repository import server
from lab.repository.driver import driver
from lab.stackstorm import engine, gateway, pack_config
from lab.world import World
from tests.printed.texts import ROOT, page

WORLD = World("127.77.0")
NFPM = Tools(builder="nfpm", publisher="aptly", binds=(), path="/usr/bin")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "lab", tmp_path / "cache")


@pytest.mark.parametrize("network", ["10.0.0", "127.0.0.1", "127.0", "127.0.256", "127.1;2", "x"])
def test_only_a_loopback_network_is_taken(monkeypatch, network):
    monkeypatch.setenv("LAB_NETWORK", network)
    with pytest.raises(LabError, match="is not a loopback network"):
        World.from_environment()


def test_canaries_and_production_have_the_hosts_of_the_contract():
    rings = {
        ring: [host.name for host in WORLD.apps if host.ring == ring] for ring in ("canary", "production")
    }

    assert rings == {"canary": ["web1", "web2"], "production": ["web3", "web4", "web5"]}
    assert [host.address for host in WORLD.apps] == [f"127.77.0.{number}" for number in range(21, 26)]


def test_an_unknown_host_is_refused_with_the_known_names():
    with pytest.raises(LabError, match=r"no host web9.*web5"):
        WORLD.host("web9")


def test_nothing_listens_twice_on_one_port():
    listeners = WORLD.listeners()

    assert len(listeners) == len(set(listeners))
    assert ("127.77.0.1", 9101) not in WORLD.listeners(with_stackstorm=False)


def test_canary_hosts_carry_both_tags_and_production_hosts_one():
    tags = {host.name: agent.services(host)[0]["tags"] for host in WORLD.apps}

    assert tags["web1"] == ["greeter::app", "greeter::app_canary"]
    assert tags["web3"] == ["greeter::app"]


def test_build_and_repository_are_found_by_service_and_tag():
    (build,), (apt,) = agent.services(WORLD.builders[0]), agent.services(WORLD.infra)

    assert (build["name"], build["tags"]) == ("build", ["package"])
    assert (apt["name"], apt["tags"]) == ("apt", ["publish"])


def test_an_agent_that_comes_too_early_looks_for_the_server_again_at_once():
    settings = agent.agent(WORLD.apps[0], WORLD)

    assert settings["retry_join"] == ["127.77.0.10"]
    assert settings["retry_interval"] == "300ms"


def test_agents_are_encrypted_as_the_page_tells():
    shown = next(text.code for text in page(ROOT / "docs" / "consul.md") if "encrypt " in text.code)
    told = dict(re.findall(r"^ *(\w+) += (.+)$", shown, re.M))
    settings = encryption.settings(json.loads(told["encrypt"]))
    ports = settings.pop("ports")

    assert {name: json.dumps(value) for name, value in {**settings, **ports}.items()} == told


def test_the_pack_and_the_hosts_ask_consul_over_https_and_trust_the_labs_authority_alone(places):
    told = pack_config.configuration(places, WORLD, NFPM, driver("aptly"))["consul"]
    host = app.converge_settings(WORLD.host("web3"))

    assert told["url"] == "https://127.77.0.10:8501"
    assert told["ca_file"] == str(encryption.authority(places))
    assert "CONSUL_HTTP_ADDR=https://127.77.0.23:8501\nCONSUL_CACERT=/etc/consul.d/tls/ca.pem\n" in host


def test_haproxy_ends_names_with_colons_by_a_port_and_keeps_servers_while_consul_is_silent():
    text = haproxy.configuration(WORLD, [FIRST])

    assert "_greeter._greeter::app.service.consul:0" in text
    assert "_greeter._greeter::app_canary.service.consul:0" in text
    assert "hold timeout 1h" in text
    assert "use_backend canary if wants_canary { nbsrv(canary) gt 0 }" in text


def test_the_packs_configuration_is_what_the_pack_reads(places):
    pack_config.write(places, WORLD, NFPM, driver("aptly"))

    settings = config.parse(yaml.safe_load((places.configs / "cicd.yaml").read_text()))

    project = settings.project("greeter")
    assert settings.clone_url(project) == WORLD.git_url
    assert settings.tag(project) == "greeter::app"
    assert settings.canary_tag(project) == "greeter::app_canary"


def test_the_gateways_configuration_is_what_the_gateway_reads(places, monkeypatch):
    for name in ("ST2_API_URL", "ST2_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)
    places.secrets.mkdir(parents=True)
    for name in ("key", "github_secret", "jenkins_token", "consul/consul-agent-ca.pem"):
        (places.secrets / name).parent.mkdir(exist_ok=True)
        keys.write_secret(places.secrets / name, f"the {name} of this lab\n")
    written = places.root / "gateway.yaml"
    local = engine.find(WORLD)
    text = yaml.safe_dump(gateway.configuration(places, WORLD, local, places.secrets / "key"))
    written.write_text(text)

    read = gateway_config.read(written)

    assert (read.host, read.port, read.api_url) == ("127.77.0.1", 9110, "http://127.77.0.1:9101/v1")


def test_jenkins_settings_are_what_the_stand_in_reads(tmp_path):
    (tmp_path / "jenkins.json").write_text(json.dumps(jenkins.settings(WORLD)))

    assert Settings.read(tmp_path / "jenkins.json").jobs == ("greeter",)


def test_the_environment_names_another_stackstorm(monkeypatch):
    monkeypatch.setenv("ST2_API_URL", "https://st2.example.com/api/v1")
    monkeypatch.setenv("ST2_AUTH_URL", "https://st2.example.com/auth")
    monkeypatch.setenv("ST2_API_KEY", "key")

    found = engine.find(WORLD)

    assert (found.local, found.api_url) == (False, "https://st2.example.com/api/v1")


def test_another_stackstorm_without_a_way_to_log_in_is_refused(monkeypatch):
    monkeypatch.setenv("ST2_API_URL", "https://st2.example.com/api/v1")
    for name in ("ST2_AUTH_URL", "ST2_AUTH_TOKEN", "ST2_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(LabError, match="not how to log in"):
        engine.find(WORLD)


def test_the_labs_own_address_in_the_environment_names_no_other_stackstorm(monkeypatch):
    monkeypatch.setenv("ST2_API_URL", "http://127.77.0.1:9101/v1")

    assert engine.find(WORLD).local is True


def test_a_host_trusts_one_repository_by_its_key():
    line = server.source(WORLD)

    assert line == ("deb [signed-by=/usr/share/keyrings/cicd.asc] http://127.77.0.10:8081 bookworm main\n")


def test_a_host_knows_its_project():
    text = app.project_settings(WORLD.host("web3"))

    assert "TAG=greeter::app\nCANARY_TAG=greeter::app_canary\n" in text
    assert "HEALTH_URL=http://127.77.0.23:8080/health\n" in text


def test_every_lab_has_other_keys_and_only_its_owner_reads_them(tmp_path):
    first, second = (Places(tmp_path / name, tmp_path) for name in ("one", "two"))
    for places in (first, second):
        keys.make(places, WORLD)

    assert keys.public(first, "web1") != keys.public(second, "web1")
    for name in ("user", "web1", "github_secret", "jenkins_token", "jenkins_api_token"):
        assert (first.secrets / name).stat().st_mode & 0o077 == 0
    assert "[127.77.0.21]:2222 ssh-ed25519 " in (first.secrets / "known_hosts").read_text()
    assert "StrictHostKeyChecking yes" in (first.secrets / "ssh_config").read_text()
