"""apt by itself, on a booted host: what it moves is what nobody asked for."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.host.conftest import VERSION
from tests.host.machine import wait_for
from tests.host.repository import Repository

pytestmark = [
    pytest.mark.long,
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OWN = "/etc/apt/preferences.d/00cicd.pref"


def upgrade(machine, *words):
    """Let apt upgrade as an administrator or a timer does, and return what it said."""
    machine.run("apt-get", "-q", "update")
    return machine.run("apt-get", "-q", "-y", "-o", "Dpkg::Options::=--force-confold", *words)


def version_of(machine, package):
    return machine.run("dpkg-query", "-W", "-f", "${Version}", package)


def test_apt_by_itself_moves_no_package_of_our_source(machine, repository):
    repository.publish("9.0.0-90.abcdef0")
    for name in ("curl", "jq", "cicd-converge"):
        repository.publish_other(name, "99.0-1")
    before = [version_of(machine, name) for name in ("greeter", "curl", "jq", "cicd-converge")]
    for command in ("upgrade", "dist-upgrade", "install greeter curl jq cicd-converge"):
        upgrade(machine, *command.split())

    assert [version_of(machine, name) for name in ("greeter", "curl", "jq", "cicd-converge")] == before
    assert machine.serves() == VERSION


def test_who_installs_the_package_anew_gets_the_wanted_version(machine, repository):
    repository.publish("9.0.0-90.abcdef0")
    machine.run("apt-get", "-y", "-q", "purge", "greeter")
    upgrade(machine, "install", "greeter")

    assert version_of(machine, "greeter") == VERSION


def test_the_pin_follows_a_deploy_and_its_rollback(machine, repository):
    repository.publish("9.1.0-91.abcdef0")
    machine.want("9.1.0-91.abcdef0")
    assert machine.converge()["state"] == "converged"
    assert "greeter -> 9.1.0-91.abcdef0 with priority 50" in machine.run("apt-cache", "policy")
    machine.want(VERSION)
    assert machine.converge()["state"] == "converged"
    upgrade(machine, "dist-upgrade")

    assert version_of(machine, "greeter") == VERSION


def test_a_deploy_that_failed_leaves_nothing_to_apt(machine, repository):
    repository.publish("9.2.0-92.abcdef0", relations="Depends: nosuch-package")
    machine.want("9.2.0-92.abcdef0")
    assert machine.converge()["state"] == "failed"
    upgrade(machine, "upgrade")

    assert version_of(machine, "greeter") == VERSION
    machine.want(VERSION)
    machine.converge()


def test_the_agent_brings_what_its_package_needs_of_our_source(machine, repository):
    repository.publish_other("greeter-words", "1.0-1")
    repository.publish("9.3.0-93.abcdef0", relations="Depends: python3, greeter-words")
    machine.want("9.3.0-93.abcdef0")
    assert machine.converge()["state"] == "converged"
    repository.publish_other("greeter-words", "2.0-1")
    upgrade(machine, "dist-upgrade")

    assert version_of(machine, "greeter-words") == "1.0-1"
    machine.want(VERSION)
    assert machine.converge()["state"] == "converged"


def test_a_host_that_was_never_deployed_to_gets_nothing_of_our_source(machine, repository):
    repository.publish("9.0.0-90.abcdef0")
    repository.publish_other("curl", "99.0-1")
    machine.run("apt-get", "-y", "-q", "purge", "greeter")
    machine.run("sh", "-c", f"rm -rf {OWN} /var/lib/cicd-converge; cicd-converge --pin")
    curl = version_of(machine, "curl")
    upgrade(machine, "dist-upgrade")

    assert "Candidate: (none)" in machine.run("apt-cache", "policy", "greeter")
    assert version_of(machine, "curl") == curl


def test_the_agent_itself_is_upgraded_on_purpose(machine, repository):
    repository.publish_other("cicd-converge", "99.0-1")
    machine.run("apt-get", "-q", "update")

    assert "Inst cicd-converge" in machine.run("apt-get", "-s", "install", "cicd-converge=99.0-1")


def test_a_repository_that_changed_its_names_is_followed_by_agent_and_pins(machine, repository):
    repository.publish("9.4.0-94.abcdef0")
    repository.names = "Origin: . bookworm\nLabel: Else, where\nSuite: stable\nNotAutomatic: yes\n"
    repository.sign()
    machine.want("9.4.0-94.abcdef0")

    assert machine.converge()["state"] == "converged"
    assert "release o=. bookworm,l=Else? where,a=stable" in machine.run("cat", OWN)
    release = [line for line in machine.run("apt-cache", "policy").splitlines() if "./ Packages" in line]
    assert [line.split()[0] for line in release] == ["-1"]
    repository.names = "Origin: test\nSuite: test\n"
    repository.sign()
    machine.want(VERSION)
    assert machine.converge()["state"] == "converged"


def test_the_timer_writes_the_pin_anew(machine, repository):
    machine.run("rm", OWN)
    machine.run("systemctl", "start", "cicd-converge.service")

    wait_for(lambda: "greeter" in machine.run("sh", "-c", f"cat {OWN} || true"))
    machine.quiet()


def test_a_source_in_the_other_form_is_found(machine, repository):
    url = repository.source.split()[2]
    text = f"Types: deb\nURIs: {url}\nSuites: ./\nSigned-By:\n" + "".join(
        f" {line or '.'}\n" for line in repository.key.splitlines()
    )
    machine.run("rm", "/etc/apt/sources.list.d/cicd.list")
    machine.run("tee", "/etc/apt/sources.list.d/cicd.sources", stdin=text)
    repository.publish("9.5.0-95.abcdef0")
    machine.want("9.5.0-95.abcdef0")
    report = machine.converge()
    pinned = machine.run("apt-cache", "policy", "curl")
    machine.run("rm", "/etc/apt/sources.list.d/cicd.sources")
    machine.run("tee", "/etc/apt/sources.list.d/cicd.list", stdin=repository.source)
    machine.want(VERSION)

    assert report["state"] == "converged", report
    assert "-1 http" in pinned
    assert machine.converge()["state"] == "converged"


def test_another_source_of_the_same_server_stays_as_it_was(machine, repository, network):
    with tempfile.TemporaryDirectory() as folder:  # gpg's socket has a short limit
        company = Repository(Path(folder), f"{network}.1")
        company.names = "Origin: company\nSuite: company\n"
        company.publish_other("company-words", "1.0-1")
        machine.run("tee", "/etc/apt/company.asc", stdin=company.key)
        line = company.source.replace("cicd.asc", "company.asc")
        machine.run("tee", "/etc/apt/sources.list.d/company.list", stdin=line)
        machine.run("apt-get", "-q", "update")
        machine.converge()
        upgrade(machine, "install", "company-words")
        pins = machine.run("cat", OWN)
        machine.run("apt-get", "-q", "-y", "purge", "company-words")
        machine.run("rm", "/etc/apt/sources.list.d/company.list")
        machine.run("apt-get", "-q", "update")
        company.close()

    assert "origin" not in pins
    assert "release o=test" in pins


def test_a_project_that_left_the_host_is_pinned_no_more(machine):
    machine.run(
        "sh", "-c", "mkdir -p /var/lib/cicd-converge/gone; echo gone 1.0 >/var/lib/cicd-converge/gone/pin"
    )
    machine.run("rm", OWN)
    machine.converge()

    assert "gone" not in machine.run("cat", OWN)
