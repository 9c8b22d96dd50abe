"""Which build host takes a run, and what is remembered of a package, in a real Consul."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cicd import config
from cicd.errors import Refused
from cicd.package.build_hosts import Builders, choose
from cicd.package.built import Package
from cicd.package.clearance import Clearance
from cicd.package.tree import Tree
from cicd.release.host import Host
from cicd.repository.package_records import Ledger, Record
from cicd.repository.publish import repository_host, targets

ROOT = Path(__file__).parents[3]
HOSTS = [Host(f"build{number}", f"10.0.0.{number}") for number in (1, 2, 3)]
COMMIT = "a" * 40
PACKAGE = Package("greeter", "1.0-1.aaaaaaa", COMMIT, f"acme/greeter@{COMMIT}", "0" * 64)


def settings(url: str, **repository: object) -> config.Settings:
    values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
    values["repository"].update(repository)
    return config.parse({**values, "consul": {"url": url}})


@pytest.fixture
def builders(consul: str) -> Builders:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    for host in HOSTS:
        register(consul, "build", "package", host)
    return Builders(settings(consul))


def register(consul: str, service: str, tag: str, host: Host) -> None:
    known = {"ID": f"{service}-{host.name}", "Service": service, "Tags": [tag], "Address": host.address}
    body = {"Node": host.name, "Address": host.address, "Service": known}
    requests.put(f"{consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()


def test_runs_spread_over_the_hosts_least_busy_first(builders):
    taken = [builders.take(f"run{number}", COMMIT).name for number in range(6)]

    assert sorted(taken) == ["build1", "build1", "build2", "build2", "build3", "build3"]


def test_a_run_that_ended_frees_its_host(builders):
    first = builders.take("run0", COMMIT)
    others = {builders.take(f"run{number}", COMMIT).name for number in (1, 2)}
    builders.give_back("run0", first.name)

    assert first.name not in others
    assert builders.take("run3", COMMIT) == first


def test_a_host_that_failed_is_not_taken_again_nor_by_others_while_there_is_another(builders):
    first = builders.take("run0", COMMIT)
    second = builders.take("run0", COMMIT, [first.name])
    later = {builders.take(f"run{number}", COMMIT).name for number in range(1, 6)}

    assert second != first
    assert first.name not in later


def test_without_another_host_the_failed_one_is_named(builders):
    with pytest.raises(
        Refused, match="No healthy host but build1, build2, build3, which failed, offers build"
    ):
        builders.take("run0", COMMIT, [host.name for host in HOSTS])


@given(st.integers(0, 16**8 - 1), st.sets(st.sampled_from([host.name for host in HOSTS])))
def test_some_host_is_always_chosen_and_a_failed_one_only_as_the_last(turn, avoided):
    chosen = choose(HOSTS, {"build1": 2, "build2": 1}, avoided, f"{turn:08x}".ljust(40, "0"))

    assert chosen is not None
    assert chosen.name not in avoided or len(avoided) == len(HOSTS)


def test_one_host_publishes_and_two_are_refused(builders, consul):
    known = settings(consul)
    with pytest.raises(Refused, match="No healthy host offers apt"):
        repository_host(builders, known)
    register(consul, "apt", "publish", HOSTS[0])
    assert repository_host(builders, known).name == "build1"
    register(consul, "apt", "publish", HOSTS[1])
    with pytest.raises(Refused, match=r"Several hosts \(build1, build2\) offer apt"):
        repository_host(builders, known)


def test_a_version_is_recorded_once_and_other_content_is_refused(builders, consul):
    ledger = Ledger(settings(consul))
    papers = "http://apt/provenance/greeter/1.0-1.aaaaaaa"
    record = Record(PACKAGE, "build1", "nfpm", papers, "1" * 64, Clearance(7), Tree())
    ledger.record("greeter", record)
    ledger.record("greeter", replace(record, builder="build2"))
    other = replace(record, package=replace(PACKAGE, sha256="f" * 64))

    assert ledger.find("greeter", PACKAGE.version)["builder"] == "build1"
    with pytest.raises(Refused, match="recorded with other content"):
        ledger.record("greeter", other)
    with pytest.raises(Refused, match="recorded with other content"):
        ledger.refuse_other_content("greeter", replace(PACKAGE, commit="b" * 40))


def test_distributions_and_components_have_their_own_repositories_in_aptly():
    known = settings("http://127.0.0.1:1")
    project = replace(known.project("greeter"), distributions=("bookworm", "trixie"), component="contrib")

    assert targets(known, known.project("greeter")) == ["bookworm:cicd"]
    assert targets(known, project) == ["bookworm:cicd-contrib", "trixie:cicd-trixie-contrib"]
