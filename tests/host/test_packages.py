"""Several packages of one release: a host has all of them, at one version, or stays as it was."""

import os

import pytest

from tests.host.conftest import VERSION
from tests.host.test_faults import assert_repaired, assert_stayed

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CLIENT = "greeter-client"
GOOD, BROKEN = "#!/bin/sh\n", '#!/bin/sh\n[ "$1" != configure ] || exit 3\n'


def version_of(machine, name):
    return machine.run("sh", "-c", f"dpkg-query -W -f '${{Status}} ${{Version}}' {name} 2>&1 || true")


def test_packages_of_a_release_come_and_go_together(machine, repository):
    version = f"8.0.0+{machine.ring}-8.abcdef0"
    siblings = repository.publish_release(version, {CLIENT: GOOD})
    machine.want(version, siblings=siblings)
    came = machine.converge()
    both = [version_of(machine, name) for name in ("greeter", CLIENT)]
    again = machine.converge()
    machine.run("dpkg", "--remove", CLIENT)
    lost = machine.converge()
    back = version_of(machine, CLIENT)
    machine.want(VERSION)
    assert_repaired(machine)

    assert (came["state"], came["installed"]) == ("converged", version)
    assert both == [f"install ok installed {version}"] * 2
    assert again["state"] == "unchanged"
    assert (lost["state"], back) == ("converged", f"install ok installed {version}")
    assert "installed" not in version_of(machine, CLIENT).split()


def test_a_package_that_breaks_is_named_and_the_version_of_before_is_whole_again(machine, repository):
    version = f"8.1.0+{machine.ring}-9.abcdef0"
    machine.want(version, siblings=repository.publish_release(version, {CLIENT: BROKEN}))
    report = machine.converge()
    machine.want(VERSION)
    assert_repaired(machine)

    assert (report["state"], report["code"], report["installed"]) == ("failed", "install", "")
    assert CLIENT in report["message"]
    assert "installed" not in version_of(machine, CLIENT).split()


def test_a_package_with_other_bytes_than_recorded_stops_all_of_them(machine, repository):
    version = f"8.2.0+{machine.ring}-10.abcdef0"
    (client,) = repository.publish_release(version, {CLIENT: GOOD})
    machine.settings(VERIFY_PROVENANCE="no")
    machine.want(version, siblings=(type(client)(CLIENT, "0" * 64),))
    report = machine.converge()
    machine.want(VERSION)
    machine.settings()

    assert_stayed(machine, report, "digest", f"The repository's {CLIENT} {version} is not the package")
