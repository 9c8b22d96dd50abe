"""A deploy touches nothing but its own package, what that newly needs, and its service."""

import os

import pytest

from tests.host.conftest import VERSION
from tests.host.test_faults import assert_repaired, assert_stayed

pytestmark = [
    pytest.mark.long,
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
HOOKS = (
    "APT::Update::Pre-Invoke",
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
    "DPkg::Pre-Invoke",
    "DPkg::Post-Invoke",
    "DPkg::Pre-Install-Pkgs",
    "AptCli::Hooks::Install",
)
CONF = "/etc/cicd/projects/greeter.conf"


def version_of(machine, name):
    return machine.run("dpkg-query", "-W", "-f", "${Status} ${Version}", name)


@pytest.fixture
def others(machine, repository):
    """Two packages of somebody else on the host; the repository has a newer version of the second."""
    for name, versions in {"foreign": ["1"], "library": ["1", "2"]}.items():
        for version in versions:
            repository.publish_other(name, version)
    machine.run("apt-get", "-q", "update")
    machine.run("apt-get", "-q", "-y", "--allow-downgrades", "install", "foreign=1", "library=1")
    before = machine.run("cat", CONF)
    yield machine
    machine.run("tee", CONF, stdin=before)
    machine.want(VERSION)
    assert_repaired(machine)
    machine.run("apt-get", "-q", "-y", "purge", "foreign", "library")


def test_a_removal_is_refused_by_name_before_anything_changes(others, repository):
    version = f"7.0.0+{others.ring}-7.abcdef0"
    repository.publish(version, relations="Depends: python3\nConflicts: foreign")
    others.want(version)
    with others.watched() as samples:
        report = others.converge()

    assert_stayed(
        others, report, "removal", "apt would remove other software on this host to install greeter"
    )
    assert 'MAY_REMOVE="foreign"' in report["message"]
    assert all(samples)
    assert version_of(others, "foreign") == "install ok installed 1"


def test_a_plan_shows_a_removal_as_a_refusal(others, repository):
    version = f"7.1.0+{others.ring}-7.abcdef0"
    repository.publish(version, relations="Depends: python3\nConflicts: foreign")
    report = others.converge("--plan", f"greeter={version}", "greeter")

    assert (report["state"], report["code"]) == ("failed", "removal")
    assert "foreign" in report["message"]


def test_an_operator_may_allow_a_removal_by_name(others, repository):
    version = f"7.2.0+{others.ring}-7.abcdef0"
    repository.publish(version, relations="Depends: python3\nConflicts: foreign, library (= 1)")
    others.want(version)
    others.run("sh", "-c", f'echo MAY_REMOVE=\\"foreign\\" >>{CONF}')
    assert_stayed(others, others.converge(), "upgrade", "library")

    others.run("sh", "-c", f"echo MAY_UPGRADE=library >>{CONF}")
    assert_repaired(others, version)
    assert "not-installed" in version_of(others, "foreign") or "deinstall" in version_of(others, "foreign")


def test_an_upgrade_of_other_software_is_refused_unless_it_is_allowed(others, repository):
    version = f"7.3.0+{others.ring}-7.abcdef0"
    repository.publish(version, relations="Depends: python3, library (>= 2)")
    others.want(version)
    assert_stayed(others, others.converge(), "upgrade", 'MAY_UPGRADE="library"')
    assert version_of(others, "library") == "install ok installed 1"

    others.run("sh", "-c", f"echo MAY_UPGRADE=library >>{CONF}")
    assert_repaired(others, version)
    assert version_of(others, "library") == "install ok installed 2"


def test_a_new_dependency_is_brought_and_one_that_cannot_be_had_is_named(others, repository):
    repository.publish_other("helper", "1")
    version = f"7.4.0+{others.ring}-7.abcdef0"
    repository.publish(version, relations="Depends: python3, helper")
    others.want(version)
    assert_repaired(others, version)
    assert version_of(others, "helper") == "install ok installed 1"

    version = f"7.5.0+{others.ring}-7.abcdef0"
    repository.publish(version, relations="Depends: python3, nosuch-package")
    others.want(version)
    report = others.converge()
    assert (report["code"], others.in_traffic()) == ("dependency", True)
    assert "nosuch-package" in report["message"]


def test_no_hook_of_apt_runs_and_no_other_service_restarts(others, repository):
    """needrestart, apt-listchanges and the like are hooks; dpkg's own are asked to keep still."""
    lines = "".join(f'{hook} {{ "echo {hook} >>/run/hooks"; }};\n' for hook in HOOKS)
    others.run("tee", "/etc/apt/apt.conf.d/99hooks", stdin=f'{lines}APT::Get::AutomaticRemove "true";\n')
    asked = 'post-invoke=if [ -z "$NEEDRESTART_SUSPEND" ]; then echo dpkg >>/run/hooks; fi\n'
    others.run("tee", "/etc/dpkg/dpkg.cfg.d/99hooks", stdin=asked)
    others.run("apt-mark", "auto", "foreign")
    version = f"7.6.0+{others.ring}-7.abcdef0"
    repository.publish(version)
    others.want(version)
    consul = others.run("systemctl", "show", "-p", "MainPID", "consul")
    report = others.converge()
    ran = others.run("sh", "-c", "cat /run/hooks 2>/dev/null; true")
    others.run("rm", "-f", "/etc/apt/apt.conf.d/99hooks", "/etc/dpkg/dpkg.cfg.d/99hooks", "/run/hooks")

    assert (report["state"], ran) == ("converged", "")
    assert version_of(others, "foreign") == "install ok installed 1"
    assert others.run("systemctl", "show", "-p", "MainPID", "consul") == consul
