"""Machines that stand ready, as a provider: a booted one with sshd and cloud-init."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import yaml

from cicd.errors import ConfigError, ProviderBusy, ProviderError
from cicd.machines import drivers
from cicd.machines.driver import RUNNING, STARTING, Driver, Order
from cicd.release.record import to_json
from cicd.release.transitions import HEALTHY, Build, Release, Ring, wanted_document
from gateway import config as gateway_config
from gateway.config import Consul
from lab.places import Places
from tests.conformance.local import ROOT
from tests.conformance.local import Local as LocalStackStorm
from tests.conformance.rest import Rest
from tests.gateway.gateways import Local, configure
from tests.lab.ready_machine import ReadyMachine

pytestmark = [
    pytest.mark.lab,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NETWORK = f"127.{100 + os.getpid() % 100}.9"
FIRST, SECOND = "greeter-canary-1", "greeter-canary-2"
BUILD = Build("2.0-2.abcdef0", "greeter", "a" * 40, "0" * 64, "")
NOBODY = f"{NETWORK}.99"


@pytest.fixture(scope="module")
def machine(consul: str, tmp_path_factory) -> Iterator[ReadyMachine]:
    places = Places(tmp_path_factory.mktemp("ready") / "lab", Places.from_environment().cache)
    places.claim()
    made = ReadyMachine(places, f"{NETWORK}.21", consul)
    try:
        made.boot()
        yield made
    finally:
        made.end()


def rack(machine: ReadyMachine, *others: str, **more: str) -> Driver:
    return drivers.of(machine.settings(*others, **more), "rack")


def order(machine: ReadyMachine, name: str = FIRST, site: str = "acme") -> Order:
    said = {
        "hostname": name,
        "write_files": [{"path": "/root/was-told", "content": name}],
        "runcmd": [["sh", "-c", "cp /root/was-told /root/did"]],
    }
    user_data = f"#cloud-config\n{json.dumps(said)}\n"
    return drivers.order(machine.settings(site=site), "rack", name, "greeter", "canary", user_data)


def test_a_machine_is_taken_once_does_its_order_and_is_given_back(machine, wait_for):
    assert rack(machine).check() == "answers, has 0 machines of acme, and what is configured; 1 are free"
    first = rack(machine).create(order(machine))
    again = rack(machine).create(order(machine))
    with pytest.raises(
        ProviderError, match="greeter-canary-2 was not made: all 1 machines of rack are taken"
    ):
        rack(machine).create(order(machine, SECOND))
    others = rack(machine, site="elsewhere")
    others.destroy(FIRST)

    assert (first.state, first.address, first.identifier) == (
        STARTING,
        machine.host.address,
        again.identifier,
    )
    assert others.list() == []
    found = wait_for(lambda: next((m for m in rack(machine).list() if m.state == RUNNING), None))
    assert (found.name, machine.run("cat", "/root/did"), machine.run("hostname").strip()) == (
        FIRST,
        FIRST,
        FIRST,
    )

    for _ in range(2):
        rack(machine).destroy(FIRST)
    assert rack(machine).find(FIRST) is None
    rack(machine).create(order(machine, SECOND))
    wait_for(lambda: machine.run("cat", "/root/did") == SECOND)
    rack(machine).destroy(SECOND)
    assert rack(machine).list() == []


def test_what_is_given_back_has_nothing_of_its_site(machine):
    rack(machine).create(order(machine))
    machine.run(
        "sh",
        "-c",
        "mkdir -p /etc/cicd/projects /etc/consul.d && touch /etc/cicd/projects/greeter.conf /etc/consul.d/x",
    )
    rack(machine).destroy(FIRST)
    folders = ["/etc/cicd", "/etc/consul.d", "/var/lib/cicd-machine"]

    assert machine.run("find", *folders, "-type", "f") == ""


def test_of_two_that_want_one_machine_one_gets_it(machine):
    def wanted(name: str) -> str:
        try:
            return rack(machine).create(order(machine, name)).name
        except ProviderError:
            return ""

    with ThreadPoolExecutor(2) as pool:
        names = sorted(pool.map(wanted, [FIRST, SECOND]))
    there = [found.name for found in rack(machine).list()]
    rack(machine).destroy(there[0])

    assert names == ["", there[0]]


def test_a_machine_that_does_not_answer_is_named_and_nobody_is_taken_for_it(machine):
    with pytest.raises(ProviderBusy, match=NOBODY) as error:
        rack(machine, NOBODY).create(order(machine))

    assert "take its address out of `machines.providers.rack.addresses`" in error.value.hint
    assert rack(machine).list() == []


def test_a_machine_whose_key_is_not_known_is_not_trusted(machine, tmp_path):
    (tmp_path / "none").write_text("")
    with pytest.raises(ProviderBusy, match="cannot be reached by SSH as root"):
        rack(machine, known_hosts_file=str(tmp_path / "none")).list()


def test_without_an_administrators_key_the_configuration_is_named(machine):
    settings = machine.settings()
    without = type(settings.administration)(**{**vars(settings.administration), "ssh_key_file": ""})
    with pytest.raises(ConfigError, match=r"`administration.ssh_key_file` is missing"):
        drivers.of(type(settings)(**{**vars(settings), "administration": without}), "rack")


def test_stackstorm_takes_one_hears_why_it_did_not_become_a_host_and_gives_it_back(machine, consul, tmp_path):
    """It joins for real, with the key of its own, and then lacks the packages of its units."""
    known = Release("greeter", 7, {"production": Ring(HEALTHY, BUILD, BUILD, None, 7, 1.0)})
    put(consul, "cicd/greeter/release", json.dumps(to_json(known)))
    put(consul, "cicd/greeter/wanted/production", wanted_document(known, "production"))
    gateway = gateway_config.read(configure(tmp_path, "http://127.0.0.1:1"))
    local = Local(tmp_path, replace(gateway, port=0))
    (tmp_path / "files/etc/cicd").mkdir(parents=True)
    (tmp_path / "files/etc/cicd/converge.conf").write_text("CONSUL_HTTP_ADDR=http://@ADDRESS@:8500\n")
    with local.serving(consul=Consul(f"{consul}/")), stackstorm(machine, local.url, tmp_path) as rest:
        asked = {"project": "greeter", "ring": "production", "provider": "rack"}
        ended = rest.wait(rest.start("cicd.provision_host", asked)["id"], seconds=300)
    said = ended["result"]["output"]["error"]["error"]

    assert (ended["status"], "failed at joining: " in said) == ("failed", True), said
    assert "consul.service" in said
    assert [entry["decision"] for entry in local.audit if "joined from" in entry["reason"]] == ["accepted"]
    records = requests.get(f"{consul}/v1/kv/cicd/.machines/?keys", timeout=10)
    assert (rack(machine).list(), records.status_code) == ([], 404)


@contextmanager
def stackstorm(machine: ReadyMachine, gateway: str, folder: Path) -> Iterator[Rest]:
    """Run an st2local with this pack, which may take the machine."""
    given = machine.configuration()
    own = {
        "gateway_url": gateway,
        "files_dir": str(folder / "files"),
        "packages": [],
        "applications": {"greeter": {"port": 8080, "unit": "greeter.service"}},
    }
    local = LocalStackStorm(folder / "st2", packs=[ROOT])
    configuration = {**given, "machines": {**given["machines"], **own}}
    (local.directory / "configs/cicd.yaml").write_text(yaml.safe_dump(configuration))
    try:
        yield local.start()
    finally:
        local.stop()


def put(consul: str, key: str, text: str) -> None:
    requests.put(f"{consul}/v1/kv/{key}", data=text, timeout=10).raise_for_status()


def test_what_someone_else_wrote_is_named_and_stays(machine):
    machine.run(
        "sh", "-c", "mkdir -p /var/lib/cicd-machine && echo '{\"name\": 1' >/var/lib/cicd-machine/order"
    )
    with pytest.raises(ProviderError, match="has something else in /var/lib/cicd-machine/order"):
        rack(machine).create(order(machine))
    machine.run("rm", "/var/lib/cicd-machine/order")
