"""What the agent installs on a booted host: the project's own packages, signed for, that can run there."""

import os

import pytest

from tests.host.conftest import VERSION
from tests.host.test_faults import assert_repaired

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OTHERS = "/etc/cicd/projects/other.conf"
EXCLUDES = "/etc/dpkg/dpkg.cfg.d/excludes"
SETTINGS = "/etc/cicd/projects/greeter.conf"


def want(machine, package, version, sha256="0" * 64):
    """Advertise *package* itself, as whoever may write to Consul can."""
    generation = machine.want(VERSION)
    lines = f"package={package}\nversion={version}\ngeneration={generation}\nsha256={sha256}\nrollout=open\n"
    machine.put(f"/v1/kv/cicd/greeter/wanted/{machine.ring}", lines)


def refused(machine, code, sentence):
    """A run is refused for *code*, with the host as it was and all the time in traffic."""
    report = machine.converge()
    assert (report["state"], report["code"]) == ("failed", code), report
    assert sentence in report["message"], report["message"]
    assert report["seconds"]["drain"] == 0
    assert machine.serves() == VERSION
    assert machine.in_traffic()


def test_only_a_name_of_the_project_is_installed(machine, repository):
    repository.publish_other("sudo", "99.0-1.abcdef0")
    for package in ("sudo", "cicd-converge", "openssh-server", "libc6"):
        want(machine, package, "99.0-1.abcdef0")
        refused(machine, "name", f"{package} is not a package of greeter, which has greeter")
    assert "99.0" not in machine.run("dpkg-query", "-W", "sudo", "cicd-converge")
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_listed_name_is_not_enough_for_what_another_hand_installed(machine):
    kept = machine.run("cat", SETTINGS)
    machine.run("tee", SETTINGS, stdin=f'{kept}PACKAGES="greeter sudo base-files dash"\n')
    want(machine, "sudo", "99.0-1.abcdef0")
    refused(machine, "name", "was not built by this pipeline")
    want(machine, "dash", "99.0-1.abcdef0")
    refused(machine, "name", "dash is essential to this host")
    machine.run("tee", SETTINGS, stdin=kept)
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.parametrize("conf", ["", "PACKAGES=greeter\n"], ids=["by default", "by its settings"])
def test_a_name_that_another_project_has_is_refused(machine, repository, conf):
    repository.publish("9.0.0-90.abcdef0")
    path = OTHERS if conf else "/etc/cicd/projects/Greeter.conf"
    machine.run("tee", path, stdin=f"UNIT=other.service\n{conf}")
    machine.want("9.0.0-90.abcdef0")
    refused(machine, "name", "greeter is a package of " + ("other" if conf else "Greeter"))
    machine.run("rm", path)
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_provenance_that_says_something_else_is_refused(machine, repository):
    version = f"9.6.0+{machine.ring}-96.abcdef0"
    name, digest = f"greeter_{version}_all.deb", repository.publish(version)
    machine.want(version)
    repository.explain(version, name, "0" * 64)
    refused(machine, "provenance", "names other bytes")
    repository.explain(version, f"other_{version}_all.deb", digest)
    refused(machine, "provenance", "names another package")
    repository.explain(version, name, digest, project="other")
    refused(machine, "provenance", "is of the project other")
    repository.explain(version, name, digest, commit="f" * 40)
    refused(machine, "provenance", "is of another commit")
    repository.explain(version, name, digest)
    machine.want(version, trace=f"acme/other@{'abcdef0':0<40}")
    refused(machine, "provenance", "is of another commit, acme/greeter@abcdef0")
    machine.want(version, trace=f"acme/greeter@{'abcdef0':0<40}")
    assert_repaired(machine, version)
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_provenance_that_nobody_signed_or_nobody_has_is_refused(machine, repository):
    version = f"9.7.0+{machine.ring}-97.abcdef0"
    repository.publish(version)
    machine.want(version)
    repository.spoil["provenance.json"] = [b'{"subject": []}'] * 9
    refused(machine, "provenance", "is not signed by a key that this host trusts")
    repository.spoil["provenance.json"] = []
    repository.spoil["provenance.json.asc"] = [b"garbage"] * 9
    refused(machine, "provenance", "is not signed by a key that this host trusts")
    repository.spoil.clear()
    repository.forget_provenance(version)
    refused(machine, "provenance", "404")
    kept = machine.run("cat", SETTINGS)
    machine.run("tee", SETTINGS, stdin=f"{kept}VERIFY_PROVENANCE=no\n")
    assert_repaired(machine, version)
    machine.run("tee", SETTINGS, stdin=kept)
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_rollback_needs_no_provenance_and_no_key_that_was_changed(machine, repository):
    repository.publish("9.8.0-98.abcdef0")
    machine.want("9.8.0-98.abcdef0")
    assert_repaired(machine, "9.8.0-98.abcdef0")
    repository.spoil["provenance.json"] = [b"{}"] * 9
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_unit_that_an_operator_masked_is_named_before_the_drain(machine, repository):
    repository.publish("9.0.0-90.abcdef0")
    machine.run(
        "sh", "-c", "mv /usr/lib/systemd/system/greeter.service /root; systemctl mask --runtime greeter"
    )
    machine.run("sh", "-c", "mv /root/greeter.service /usr/lib/systemd/system; systemctl daemon-reload")
    machine.want("9.0.0-90.abcdef0")
    refused(machine, "masked", "systemctl unmask greeter.service")
    machine.run("systemctl", "unmask", "--runtime", "greeter")
    machine.want(VERSION)
    assert_repaired(machine)


def test_every_unit_that_a_package_starts_is_proven(machine, repository):
    """The agent asks systemd about what the package names, whatever the host's settings say."""

    def deploy(version: str, unit: str) -> None:
        repository.publish(version, relations=f"Depends: python3\nX-CICD-Units: greeter.service {unit}")
        machine.want(version)

    timer = "[Timer]\nOnCalendar=yearly\nUnit=greeter.service\n"
    machine.run("tee", "/usr/lib/systemd/system/probe.timer", stdin=timer)
    machine.run("systemctl", "mask", "--runtime", "probe.timer")
    deploy("9.41.0-941.abcdef0", "probe.timer")
    refused(machine, "masked", "probe.timer is masked on this host")
    machine.run("systemctl", "unmask", "--runtime", "probe.timer")
    machine.want("9.41.0-941.abcdef0")
    report = machine.converge()
    assert (report["state"], report["code"]) == ("failed", "unit"), report
    assert "probe.timer of greeter 9.41.0-941.abcdef0 is not active" in report["message"]
    machine.run("systemctl", "start", "probe.timer")
    machine.want("9.41.0-941.abcdef0")
    assert machine.converge()["state"] == "converged"
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_path_that_dpkg_excludes_is_named_before_the_drain(machine, repository):
    repository.publish("9.9.0-99.abcdef0", {"usr/share/doc/greeter/changelog": "x\n"})
    machine.run("tee", EXCLUDES, stdin='path-exclude=/usr/share/doc/*\npath-exclude = "/opt/*"\n')
    machine.want("9.9.0-99.abcdef0")
    refused(machine, "excluded", "/opt/greeter/REVISION of greeter 9.9.0-99.abcdef0 would be left out")
    machine.run("tee", "-a", EXCLUDES, stdin="path-include=/opt/greeter/*\n")
    report = machine.converge()
    assert report["state"] == "converged", report
    machine.run("rm", EXCLUDES)
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_source_that_is_not_there_is_named(machine, repository):
    repository.publish("9.0.0-90.abcdef0")
    machine.want("9.0.0-90.abcdef0")
    machine.settings(APT_SOURCE="/etc/apt/sources.list.d/nosuch.list")
    refused(machine, "config", "The source /etc/apt/sources.list.d/nosuch.list is missing")
    machine.settings()
    machine.want(VERSION)
    assert_repaired(machine)


def test_the_package_is_installed_where_group_or_user_are_there_already(machine):
    machine.run("sh", "-c", "userdel cicd; groupadd --system cicd || true")
    said = machine.run("sh", "-c", "/var/lib/dpkg/info/cicd-converge.postinst configure 2>&1")
    assert machine.run("id", "-gn", "cicd") == "cicd\n"
    assert "Nobody" not in said
    machine.run("usermod", "--shell", "/usr/sbin/nologin", "cicd")
    said = machine.run("sh", "-c", "/var/lib/dpkg/info/cicd-converge.postinst configure 2>&1")
    assert "Nobody can log in as cicd: usermod --shell /bin/sh cicd" in said
    machine.run("usermod", "--shell", "/bin/bash", "cicd")
    machine.quiet()
