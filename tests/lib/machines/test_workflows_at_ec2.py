"""StackStorm provisions hosts at an EC2 that boots nothing: whatever fails is said, and leaves nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import requests
import yaml

from cicd.release.record import to_json
from cicd.release.transitions import HEALTHY, Build, Release, Ring, wanted_document
from tests.conformance.local import ROOT, Local
from tests.conformance.rest import Rest
from tests.lib.machines.between import Answer
from tests.lib.machines.clouds import Ec2Cloud, Moto

BUILD = Build("2.0-2.abcdef0", "greeter", "a" * 40, "0" * 64, "")
ASKED = {"project": "greeter", "ring": "production"}
SECONDS = 120
WAITS_LONG = 300


class Site:
    """An st2local with this pack, whose only provider is the EC2 of tests."""

    def __init__(self, folder: Path, consul: str, cloud: Ec2Cloud) -> None:
        self.folder, self.consul, self.cloud = folder, consul, cloud
        self.local = Local(folder / "st2", packs=[ROOT])
        (folder / "files/etc/cicd").mkdir(parents=True)
        (folder / "files/etc/cicd/converge.conf").write_text("CONSUL_HTTP_ADDR=http://@ADDRESS@:8500\n")
        (folder / "id").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        (folder / "known_hosts").write_text("")
        known = Release("greeter", 7, {"production": Ring(HEALTHY, BUILD, BUILD, None, 7, 1.0)})
        self.put("cicd/greeter/release", json.dumps(to_json(known)))
        self.put("cicd/greeter/wanted/production", wanted_document(known, "production"))

    def start(self, ready_seconds: int) -> Rest:
        """Start it with a configuration that lets a machine take *ready_seconds*."""
        keys = {"private_key_file": "id", "known_hosts_file": "known_hosts"}
        files = {key: str(self.folder / name) for key, name in keys.items()}
        here = self.cloud.provider(str(self.folder / "secret"))
        machines = {
            "site": "acme",
            "providers": {"cloud": {"driver": "ec2", "url": self.cloud.between.url, **here}},
            "ready_seconds": ready_seconds,
            "gateway_url": "http://127.0.0.1:1",
            "files_dir": str(self.folder / "files"),
            "applications": {"greeter": {"port": 8080, "unit": "greeter.service"}},
        }
        configuration = {
            **yaml.safe_load((ROOT / "cicd.yaml.example").read_text()),
            "consul": {"url": self.consul},
            "ssh": {"user": "cicd", **files},
            "machines": machines,
            "deploy": {"lost_after": 3},
            "projects": {"greeter": {"repository": "acme/greeter"}},
        }
        (self.local.directory / "configs/cicd.yaml").write_text(yaml.safe_dump(configuration))
        if self.local.process:
            self.local.stop()
        self.rest = self.local.start()
        return self.rest

    def put(self, key: str, text: str) -> None:
        requests.put(f"{self.consul}/v1/kv/{key}", data=text, timeout=10).raise_for_status()

    def records(self) -> list[str]:
        found = requests.get(f"{self.consul}/v1/kv/cicd/.?keys", timeout=10)
        return [key for key in (found.json() if found.ok else []) if key.startswith(("cicd/.ma", "cicd/.jo"))]

    def machines(self) -> list[str]:
        return [machine.name for machine in self.cloud.ask().list()]

    def provision(self) -> dict[str, Any]:
        """Return what people hear of a host that does not come to be."""
        ended = self.rest.wait(self.rest.start("cicd.provision_host", ASKED)["id"], seconds=SECONDS)
        assert ended["status"] == "failed", ended
        return dict(ended["result"]["output"])

    def actions(self) -> list[str]:
        """Return what EC2 was asked, in order, without questions."""
        bodies = "&".join(body.decode() for _, _, body in self.cloud.between.asked)
        return [one for one in re.findall(r"\bAction=(\w+)", bodies) if not one.startswith("Describe")]


@pytest.fixture(scope="module")
def site(consul: str, moto: Moto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ec2")
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10).raise_for_status()
    made = Site(folder, consul, Ec2Cloud(folder, moto))
    made.start(ready_seconds=2)
    yield made
    if made.local.process:
        made.local.stop()
    made.cloud.close()


def test_a_machine_that_does_not_join_in_time_is_destroyed_and_it_is_said(site):
    said = site.provision()

    assert f"{said['host']} does not serve after 2 s: it has not joined yet." == said["error"]["error"]
    assert "/var/log/cloud-init-output.log" in said["error"]["hint"]
    assert site.actions() == ["RunInstances", "TerminateInstances"]
    assert (site.machines(), site.records()) == ([], [])


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "error"), [("quota", "VcpuLimitExceeded"), ("rights", "UnauthorizedOperation")]
)
def test_what_the_cloud_refuses_is_said_and_nothing_is_left(site, what, error):
    site.cloud.disturb(site.cloud.refusal(what))
    said = site.provision()

    assert error in said["error"]["error"]
    assert (site.machines(), site.records()) == ([], [])


@pytest.mark.long
def test_a_machine_whose_answer_was_garbage_is_destroyed_as_well(site):
    site.cloud.disturb(Answer(200, "<html>welcome"), late=True)
    said = site.provision()

    assert "answered 200, no XML" in said["error"]["error"]
    assert (site.machines(), site.records()) == ([], [])


@pytest.mark.long
def test_when_stackstorm_is_killed_its_machine_is_destroyed_once_it_is_back(site):
    """Whether its workflow goes on or is given up, the sweep has the last word."""
    site.start(WAITS_LONG)
    site.rest.start("cicd.provision_host", ASKED)
    deadline = time.monotonic() + SECONDS
    while not site.machines():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    site.local.kill()
    (name,) = site.machines()
    time.sleep(4)
    site.start(ready_seconds=2)
    while site.machines() or site.records():
        assert time.monotonic() < deadline
        site.rest.run("cicd.sweep_machines")
        time.sleep(0.5)

    assert name.startswith("greeter-production-")
