"""A project of the 2015 pack is adopted as its hosts run it: real sshd and dpkg-query, a database each."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.deploy import adopt
from cicd.errors import CicdError
from cicd.release.record import HEALTHY
from tests.fleet.loopback import Machine
from tests.fleet.world import NEW, OLD, PROJECT, World
from tests.lib import apt_index
from tests.lib.store.test_store import key


@pytest.fixture
def old_cluster(world: World, tmp_path: Path) -> Iterator[World]:
    """Hosts whose dpkg knows a version, a repository that has it, and no record of any deploy."""
    entries = [apt_index.entry(PROJECT, b.version, f"acme/greeter@{b.commit}", b.sha256) for b in (OLD, NEW)]
    with apt_index.served(tmp_path, entries) as url:
        world.configuration["repository"] = apt_index.section(url)
        world.erase()
        for ring, build in (("canary", NEW), ("production", OLD)):
            for machine in world.ring(ring):
                install(machine, build.version)
        yield world


def install(machine: Machine, version: str, status: str = "install ok installed") -> None:
    """Let the dpkg database of *machine* say it has *version*."""
    folder = machine.folder / "dpkg"
    folder.mkdir(exist_ok=True)
    fields = [f"Package: {PROJECT}", f"Status: {status}", f"Version: {version}", "Architecture: all"]
    text = "\n".join([*fields, "Maintainer: Ann <ann@example.com>", "Description: greets", ""])
    (folder / "status").write_text(text)


def asked(world: World, apply: bool = True) -> dict:
    return adopt.adopt(world.settings, PROJECT, "ann", apply)


def test_a_dry_run_says_what_every_host_runs_and_writes_nothing(old_cluster):
    said = asked(old_cluster, apply=False)

    assert said["versions"] == {"canary": NEW.version, "production": OLD.version}
    assert f"  production: {OLD.version} on web3, web4, web5, web6, web7, web8" in said["message"]
    assert f"  canary: {NEW.version} on web1, web2" in said["message"]
    assert "then: st2 run cicd.adopt_release project=greeter apply=true" in said["message"]
    assert old_cluster.store.release(PROJECT).generation == 0


def test_what_the_hosts_run_becomes_the_record_with_the_builds_of_the_repository(old_cluster):
    said, when = asked(old_cluster), time.time()
    known = old_cluster.store.release(PROJECT)

    assert said["adopted"]
    found = [
        (b.version, b.commit, b.sha256)
        for b in (known.ring("canary").wanted, known.ring("production").wanted)
    ]
    assert found == [(b.version, b.commit, b.sha256) for b in (NEW, OLD)]
    assert known.ring("canary").state == known.ring("production").state == HEALTHY
    assert abs(known.ring("canary").since - when) < 60
    assert key(old_cluster.consul, "greeter::version") == OLD.version
    assert [entry["what"] for entry in old_cluster.store.history(PROJECT, 5)] == ["adopt"]
    with pytest.raises(CicdError, match="has a release record already"):
        asked(old_cluster)


def removed(world: World) -> None:
    install(world.ring("production")[2], OLD.version, "deinstall ok config-files")


def half_installed(world: World) -> None:
    install(world.ring("production")[2], OLD.version, "install reinstreq half-installed")


def never_installed(world: World) -> None:
    (world.ring("production")[2].folder / "dpkg" / "status").write_text("")


def other_version(world: World) -> None:
    install(world.ring("production")[2], NEW.version)


def stranger(world: World) -> None:
    world.loopback.change_key(world.ring("production")[2])


def unreachable(world: World) -> None:
    world.register(world.ring("production")[2], "production", address="127.77.200.1")


def unpublished(world: World) -> None:
    for machine in world.ring("canary"):
        install(machine, "1.0-9.0000009")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (removed, r"production hosts do not run one version \(.*web5: none"),
        (half_installed, r"production hosts do not run one version \(.*web5: none"),
        (never_installed, r"production hosts do not run one version \(.*web5: none"),
        (other_version, rf"production hosts do not run one version \(.*web5: {NEW.version}"),
        (stranger, "web5"),
        (unreachable, "web5"),
        (unpublished, "1.0-9.0000009 is not in the repository"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_cluster_that_is_not_one_thing_is_refused_by_host_and_nothing_is_written(old_cluster, fault, said):
    fault(old_cluster)
    with pytest.raises(CicdError, match=said) as refused:
        asked(old_cluster)

    assert refused.value.hint
    assert old_cluster.store.release(PROJECT).generation == 0
    assert key(old_cluster.consul, "greeter::version") is None
