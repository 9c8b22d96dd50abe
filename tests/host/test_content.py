"""What is on a host equals its package, whatever was there before, or the run fails."""

import os
from pathlib import Path

import pytest

from tests.host.conftest import VERSION
from tests.host.test_faults import assert_out, assert_repaired

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LIB = "/opt/greeter/lib"
# What opt/greeter/lib is in a version, and what reading it must give.
FORMS = {
    "directory": ({"opt/greeter/lib/text": "of a directory"}, f"{LIB}/text", "of a directory"),
    "link": (
        {"opt/greeter/lib": Path("lib-2"), "opt/greeter/lib-2/text": "behind a link"},
        f"{LIB}/text",
        "behind a link",
    ),
    "file": ({"opt/greeter/lib": "of a file"}, LIB, "of a file"),
}
# A walk in which each form follows each other one.
WALK = ("directory", "link", "directory", "file", "link", "file", "directory")


def run_form(machine, repository, form, number):
    files, path, text = FORMS[form]
    version = f"8.{number}.0+{form}.{machine.ring}-8.abcdef0"
    repository.publish(version, files)
    machine.want(version)
    assert_repaired(machine, version)
    assert machine.run("cat", path) == text


def test_what_changes_its_kind_between_two_versions_is_there_afterwards(machine, repository):
    for number, form in enumerate(WALK):
        run_form(machine, repository, form, number)
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.long
@pytest.mark.parametrize("form", ["link", "file"])
def test_what_nobody_packed_is_not_lost_to_a_directorys_successor(machine, repository, form):
    run_form(machine, repository, "directory", 3)
    machine.run("sh", "-c", f"echo mine >{LIB}/mine")
    version = f"8.4.0+{form}.{machine.ring}-8.abcdef0"
    repository.publish(version, FORMS[form][0])
    machine.want(version)
    with machine.watched() as samples:
        report = machine.converge()

    assert (report["state"], report["code"]) == ("failed", "content")
    assert f"{LIB}/mine" in report["message"]
    assert all(samples)
    assert machine.run("cat", f"{LIB}/mine") == "mine\n"
    machine.run("rm", f"{LIB}/mine")
    assert_repaired(machine, version)


@pytest.mark.long
def test_what_its_own_scripts_took_away_fails_the_run(machine, repository):
    version = f"8.5.0+{machine.ring}-8.abcdef0"
    script = "#!/bin/sh\nrm -rf lib; mkdir lib; touch lib/other\n"
    repository.publish(version, {**FORMS["link"][0], "opt/greeter/script/post-inst": script})
    machine.want(version)
    assert_out(machine, machine.converge(), "content", f"is not greeter {version}: {LIB}")
    machine.run("rm", "-rf", LIB)
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.long
def test_a_changed_link_or_directory_is_reported_and_repaired(machine, repository):
    run_form(machine, repository, "link", 6)
    machine.run("ln", "-sfn", "/tmp", LIB)
    assert machine.converge()["edited"] == LIB
    assert machine.converge("--repair", "greeter")["state"] == "converged"
    machine.run("sh", "-c", f"rm {LIB}; mkdir {LIB}")
    assert machine.converge()["edited"] == LIB
    assert machine.converge("--repair", "greeter")["state"] == "converged"
    assert machine.run("readlink", LIB) == "lib-2\n"
    assert machine.converge()["edited"] == ""


@pytest.mark.long
def test_a_folder_that_the_operator_moved_behind_a_link_is_as_good(machine, repository):
    run_form(machine, repository, "directory", 7)
    machine.run("sh", "-c", f"mv {LIB} /srv/lib; ln -s /srv/lib {LIB}")
    run_form(machine, repository, "directory", 8)
    assert machine.run("readlink", LIB) == "/srv/lib\n"
    machine.run("rm", LIB)
    machine.want(VERSION)
    assert_repaired(machine)
