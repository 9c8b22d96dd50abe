"""What a deploy leaves of data and files on a booted host, whatever the version before was."""

import hashlib
import os
from pathlib import Path

import pytest

from cicd.package import maintainer_scripts
from tests.host.conftest import VERSION
from tests.host.machine import Machine
from tests.host.repository import META, Repository

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    # A booted host outlives the object that started it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
DATA = "/var/lib/greeter-data"
# As packages were built when postrm was the project's own script.
OLDER = {"DEBIAN/postrm": f"#!/bin/sh\nrm -rf {DATA}\n"}
ASSETS = {"opt/greeter/assets/a": "asset\n"}
PUBLIC = {"opt/greeter/public/old": "1\n", "opt/greeter/public/deep/b": "2\n"}
SUMS = "".join(f"{hashlib.md5(text.encode()).hexdigest()}  {path}\n" for path, text in PUBLIC.items())
DIRECTORY = {**ASSETS, **PUBLIC, "DEBIAN/md5sums": SUMS}


def linked() -> dict[str, str | Path]:
    """What a build makes of a link in the tree: the link, and its path and target in the scripts."""
    made = maintainer_scripts.maintainer_scripts(META)
    names = "printf '/opt/greeter/public\\nassets\\n'"
    texts = {
        f"DEBIAN/{name}": made[name].replace(": # @links@", names)
        for name in ("preinst", "postinst", "postrm")
    }
    return {**ASSETS, **texts, "opt/greeter/public": Path("assets")}


def deploy(machine: Machine, repository: Repository, version: str, files: dict[str, str | Path]) -> None:
    repository.publish(version, files)
    machine.want(version)
    report = machine.converge()
    assert report["state"] == "converged", report
    assert machine.serves() == version


def test_data_survives_upgrades_and_rollbacks_of_packages_whose_postrm_deletes_it(machine, repository):
    deploy(machine, repository, "5.1.0-51.abcdef0", {**OLDER, "DEBIAN/preinst": "#!/bin/sh\n"})
    machine.run("mkdir", "-p", f"{DATA}/orders")
    deploy(machine, repository, "5.2.0-52.abcdef0", {})
    machine.run("test", "-d", f"{DATA}/orders")
    deploy(machine, repository, "5.1.0-51.abcdef0", {})
    deploy(machine, repository, "5.0.0-50.abcdef0", {**OLDER, "DEBIAN/preinst": "#!/bin/sh\n"})
    machine.run("test", "-d", f"{DATA}/orders")
    machine.want(VERSION)
    assert machine.converge()["state"] == "converged"
    machine.run("test", "-d", f"{DATA}/orders")


def test_a_directory_becomes_a_link_and_a_directory_again(machine, repository):
    deploy(machine, repository, "6.1.0-61.abcdef0", DIRECTORY)
    deploy(machine, repository, "6.2.0-62.abcdef0", linked())
    assert machine.run("readlink", "/opt/greeter/public") == "assets\n"
    assert machine.run("cat", "/opt/greeter/public/a") == "asset\n"
    deploy(machine, repository, "6.1.0-61.abcdef0", {})
    assert machine.run("cat", "/opt/greeter/public/old", "/opt/greeter/public/deep/b") == "1\n2\n"
    assert machine.run("ls", "/opt/greeter/assets") == "a\n"
    machine.want(VERSION)
    assert machine.converge()["state"] == "converged"
