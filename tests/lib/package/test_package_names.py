"""A package's name is one project's and never the distribution's: real Consul, dpkg and apt-cache."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
import requests

from cicd.clients.scripts import script_text
from cicd.config import Settings
from cicd.errors import ConfigError, Refused
from cicd.package.built import Package
from cicd.package.clearance import Clearance
from cicd.package.package_names import Names, foreign
from cicd.package.tree import Tree
from cicd.release.host import Host
from cicd.repository.package_records import Ledger, Record
from tests.lib.consul_settings import settings

PROJECTS = {"greeter": {"repository": "acme/greeter"}, "web": {"repository": "acme/greeter"}}
OURS, THEIRS = "1.0-1.abcdef0", "1:9.2p1-2+deb12u7"


class Here:
    """This machine, in the place of a build host."""

    host = Host("here", "127.0.0.1")

    def script(self, name: str, arguments: Sequence[str], timeout: int) -> str:
        command = ["sh", "-c", script_text(name), name, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True).stdout


@pytest.fixture
def known(consul: str) -> Settings:
    requests.delete(f"{consul}/v1/kv/cicd?recurse", timeout=10).raise_for_status()
    return settings(consul, projects=PROJECTS)


def refuse(known: Settings, project: str, name: str) -> None:
    Names(known).refuse_foreign(known.project(project), name, Here())


def published(known: Settings, project: str, name: str) -> None:
    """Record a package of *project* as a pack did that recorded no names."""
    package = Package(name, OURS, "a" * 40, "", "0" * 64)
    found = Record(package, "build1", "nfpm", "http://apt/x", "1" * 64, Clearance(1), Tree())
    Ledger(known).record(project, found)


def test_a_name_belongs_to_the_project_that_published_it_first(known):
    refuse(known, "greeter", "shared-name")
    Names(known).take(known.project("greeter"), "shared-name")

    refuse(known, "greeter", "shared-name")
    with pytest.raises(Refused, match="shared-name is the package of greeter; web cannot"):
        refuse(known, "web", "shared-name")
    with pytest.raises(Refused, match="is the package of greeter"):
        Names(known).take(known.project("web"), "shared-name")


def test_what_was_published_before_names_were_recorded_is_its_projects(known):
    published(known, "greeter", "old-name")

    refuse(known, "greeter", "old-name")
    with pytest.raises(Refused, match="old-name is the package of greeter"):
        refuse(known, "web", "old-name")


@pytest.mark.parametrize("name", ["cicd-converge", "cicd-anything", "cicd"])
def test_the_pipelines_own_names_are_nobodys(known, name):
    with pytest.raises(Refused, match="this pipeline's own packages begin with cicd-"):
        refuse(known, "greeter", name)


def test_a_name_that_the_distribution_has_is_refused_even_to_who_published_it_before(known):
    with pytest.raises(Refused, match=r"here knows another package dpkg .*; one of greeter"):
        refuse(known, "greeter", "dpkg")
    published(known, "greeter", "dpkg")
    with pytest.raises(Refused, match="here knows another package dpkg"):
        refuse(known, "greeter", "dpkg")


def test_an_operator_gives_a_name_to_one_project(consul, known):
    Names(known).take(known.project("greeter"), "shared-name")
    given = {**PROJECTS, "web": {"repository": "acme/greeter", "packages": ["shared-name", "dpkg"]}}
    now = settings(consul, projects=given)

    refuse(now, "web", "shared-name")
    refuse(now, "web", "dpkg")
    Names(now).take(now.project("web"), "shared-name")
    with pytest.raises(Refused, match="shared-name is the package of web"):
        refuse(now, "greeter", "shared-name")
    with pytest.raises(ConfigError, match="given to greeter and to web"):
        settings(consul, projects={**given, "greeter": {**PROJECTS["greeter"], "packages": ["dpkg"]}})


@pytest.mark.parametrize(
    ("line", "is_foreign"),
    [
        (f"{THEIRS} /var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_Packages", True),
        (f"{THEIRS} /var/lib/apt/lists/apt.example.com_dists_bookworm_main_Packages", False),
        (f"{THEIRS} /var/lib/dpkg/status", True),
        (f"{THEIRS} provided by exim4", True),
        (f"{OURS} /var/lib/apt/lists/mirror_dists_bookworm_main_Packages", False),
        (f"{OURS} /var/lib/dpkg/status", False),
        ("", False),
    ],
)
def test_only_versions_of_this_pipeline_are_its_own(line, is_foreign):
    assert bool(foreign([line], "http://apt.example.com")) == is_foreign
