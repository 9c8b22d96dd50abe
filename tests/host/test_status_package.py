"""cicd-status as a package: on a host that has nothing of the pack, under systemd."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from status.build import PACKAGE
from tests.debian_package import lintian
from tests.host.machine import Machine, wait_for

pytestmark = [
    pytest.mark.long,
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ROOT = Path(__file__).resolve().parents[2]
FOLDER, UNIT = "/etc/cicd/status", "cicd-status.service"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return PACKAGE.build(tmp_path_factory.mktemp("package"))


@pytest.fixture
def site(booted: Machine) -> Iterator[Machine]:
    yield booted
    dpkg(booted, "--purge", "cicd-status")


def dpkg(machine: Machine, *words: str) -> tuple[int, str]:
    done = machine.spawn("dpkg", *words)
    out, said = done.communicate(timeout=120)
    return done.returncode, out + said


def write(machine: Machine, name: str, values: dict[str, object]) -> None:
    machine.run("tee", f"{FOLDER}/{name}", stdin=yaml.safe_dump(values))
    machine.run("chgrp", "cicd-status", f"{FOLDER}/{name}")
    machine.run("chmod", "640", f"{FOLDER}/{name}")


def state(machine: Machine) -> str:
    return machine.spawn("systemctl", "is-active", UNIT).communicate(timeout=30)[0].strip()


def page(machine: Machine, place: str) -> requests.Response | None:
    try:
        return requests.get(f"http://{machine.host.address}:9120{place}", timeout=10)
    except requests.ConnectionError:
        return None


def test_lintian_finds_nothing(package):
    assert lintian(package) == (0, "")


def test_it_says_what_its_configuration_lacks_and_then_serves_the_page(site, package):
    site.container.copy_in(package, f"/root/{package.name}")
    code, said = dpkg(site, "-i", f"/root/{package.name}")
    assert (code, state(site)) == (0, "inactive")
    assert "cicd-status is not started: status: /opt/stackstorm/configs/cicd.yaml cannot be read" in said
    assert "systemctl start cicd-status" in said

    example = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
    write(site, "cicd.yaml", {**example, "consul": {"url": site.consul}})
    write(site, "status.yaml", {"listen": {"host": site.host.address}, "pack": f"{FOLDER}/cicd.yaml"})
    site.run("systemctl", "start", UNIT)
    shown = wait_for(lambda: page(site, "/"))
    assert "what runs where" in shown.text
    assert wait_for(lambda: page(site, "/api/projects").json()["projects"])
    pid = site.run("systemctl", "show", "-P", "MainPID", UNIT).strip()
    assert site.run("ps", "-o", "user=", "-p", pid).strip() in ("cicd-status", "cicd-st+")

    code, said = dpkg(site, "-i", f"/root/{package.name}")
    assert (code, state(site)) == (0, "active"), said
    assert wait_for(lambda: page(site, "/healthz")).json()["status"] == "ok"
    code, said = dpkg(site, "--remove", "cicd-status")
    assert (code, state(site)) == (0, "inactive"), said
    assert site.run("ls", FOLDER).split() == ["cicd.yaml", "status.yaml"]
