"""What becomes a package through StackStorm's API: what CI passed or somebody let past, by its own name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.ci import made_tree
from cicd.ci.host_build import HostBuild
from cicd.ci.run import Run
from cicd.ci.runs import Runs
from cicd.ci.second_build import SecondBuild
from cicd.errors import Refused
from cicd.package import build as steps
from cicd.package.built import Package
from cicd.release.host import Host
from cicd.repository.apt_index import Repository
from cicd.repository.package_records import Ledger
from cicd.store.store import Store
from tests.package.building import commit, run, write
from tests.package.publishing import KEY, Client, RepositoryHost, digest
from tests.package.site import Site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can end all that runs on a host at once")


def build(site: Site, of: str, action: str = "publish_apt_package", **more: str) -> Any:
    started = site.rest.start(f"cicd.{action}", {"project": "app", "commit": of, **more})
    return site.rest.wait(started["id"], seconds=180)


def error_of(ended: Any) -> str:
    return str(ended["result"]["output"]["error"]["error"])


def refused_step(site: Site, action: str, of: str) -> str:
    """Call the step *action* of a build by itself, and return its refusal."""
    where = {"project": "app", "commit": of}
    if action != "publish_package":
        where["run"] = "byhand"
    more: dict[str, Any] = {
        "find_build_host": {},
        "build_package": {"host": {"name": "x", "address": "127.0.0.1"}, "described": {}},
        "publish_package": {
            "host": {"name": "x", "address": "127.0.0.1"},
            "version": "1.0-1.aaaaaaa", "sha256": "0" * 64, "package": "app", "file": "/x.deb",
        },
    }[action]  # fmt: skip
    return str(site.rest.run(f"cicd.{action}", {**where, **more})["result"]["result"]["error"])


def test_a_commit_that_ci_did_not_pass_becomes_no_package_by_whatever_step(site, repository):
    unknown, before = site.change(), repository.versions()
    ended = build(site, unknown)
    steps = [refused_step(site, s, unknown) for s in ("find_build_host", "build_package", "publish_package")]

    assert ended["status"] == "failed"
    assert "No run of app knows" in error_of(ended)
    assert [said.partition(" knows ")[0] for said in steps] == ["No run of app"] * 3
    for stage in ("failed", "superseded", "building"):
        site.run_is(unknown, stage)
        assert build(site, unknown)["status"] == "failed"
    assert repository.versions() == before


def test_what_a_role_lets_past_ci_is_published_with_who_and_why_in_all_its_papers(site, repository):
    failed = site.change()
    site.run_is(failed, "failed", status="FAILURE")
    no_role = build(site, failed, "publish_past_ci", role="nobody", reason="users cannot log in")
    ended = build(site, failed, "publish_past_ci", role="chief", reason="users cannot log in")
    assert ended["status"] == "succeeded", ended["result"]
    output = ended["result"]["output"]
    (record,) = [
        one
        for one in Store(site.settings).below("cicd/app/packages/", dict).values()
        if one["commit"] == failed
    ]
    stated = provenance_of(repository, "app", output["version"])
    said = stated["predicate"]["buildDefinition"]["internalParameters"]["ci"]
    (entry,) = Store(site.settings).history("app", 1)

    assert "'nobody' is not a role that may break the glass" in error_of(no_role)
    assert output["version"] in repository.versions()
    assert record["ci"] == said
    assert (said["passed"], said["role"], said["why"]) == (False, "chief", "users cannot log in")
    assert (entry["what"], entry["trace"]) == ("publish_past_ci", f"acme/app@{failed}")
    assert build(site, failed)["status"] == "succeeded", "what failed after it is tried again as always"


def named(site: Site, name: str, *more: str) -> str:
    """Commit an fpm.json that calls the package *name*, and has *more*; CI passes it for both projects."""
    packages = [{"name": one, "prefix": f"/opt/{one}"} for one in more]
    plain = {"version": "1.0.0", "description": "Fits every project.", "name": name, "packages": packages}
    (site.code / "fpm.json").write_text(json.dumps(plain))
    of = commit(site.code)
    for project in ("app", "web"):
        site.run_is(of, "passed", project=project)
    return of


@pytest.mark.parametrize("name", ["cicd-converge", "dpkg"])
def test_a_name_of_the_pipeline_or_the_distribution_is_not_even_built(site, repository, name):
    before = repository.versions()
    execution = build(site, named(site, name))

    assert execution["status"] == "failed"
    assert name in error_of(execution)
    assert site.steps(execution["id"], "build_package") == []
    assert repository.versions() == before


def test_a_name_belongs_to_the_project_that_published_it_first(site, repository):
    of = named(site, "shared-name", "shared-client")
    first = build(site, of)
    before = repository.versions()
    other = build(site, of, project="web")
    beside = build(site, named(site, "another-name", "shared-client"), project="web")

    assert first["status"] == "succeeded", first["result"]
    assert "shared-name is the package of app; web cannot publish one of that name" in error_of(other)
    assert "shared-client is the package of app; web cannot" in error_of(beside)
    assert repository.versions() == before


@pytest.mark.long
def test_the_packages_of_a_commit_are_recorded_and_deployed_together(site, repository):
    version = build(site, named(site, "app", "app-client"))["result"]["output"]["version"]
    known = Ledger(site.settings).find("app", version)
    offered = Repository(site.settings).build("app", version)
    subjects = digests_of(provenance_of(repository, "app-client", version))

    assert known is not None
    assert repository.versions().count(version) == 2
    assert offered.packages == ("app", "app-client")
    assert sorted(known["files"].values()) == sorted(offered.digests)
    assert known["files"].items() <= subjects.items()


def bring(site: Site, script: str) -> str:
    """Commit a project that *script* makes; CI passes it for `web`, which is built twice and compared."""
    (site.code / "fpm.json").write_text(json.dumps({"version": "1.0.0", "description": "Is built twice."}))
    write(site.code / "script" / "build", f"#!/bin/sh\nset -eu\n{script}\n", executable=True)
    of = commit(site.code)
    site.run_is(of, "passed", project="web")
    return of


def kept(site: Site, of: str) -> Run:
    known = Runs(Store(site.settings), "web").find(of)
    assert known is not None
    return known


def left_on_hosts(site: Site) -> list[str]:
    return [path.name for machine in site.builders for path in (machine.folder / "home/builds").glob("*")]


@pytest.mark.long
def test_what_a_second_build_host_makes_alike_is_published_and_the_run_says_so(site, repository):
    of = bring(site, 'echo same >"$CICD_OUTPUT/made"')
    ended = build(site, of, project="web")
    other = next(machine.name for machine in site.builders if machine != site.first_choice(of))

    assert ended["status"] == "succeeded", ended["result"]
    assert kept(site, of).reproduced == f"built with the same bytes on {other}"
    assert left_on_hosts(site) == []


def test_what_a_second_build_host_makes_otherwise_is_refused_by_file_and_not_published(site, repository):
    before = repository.versions()
    of = bring(site, 'echo same >"$CICD_OUTPUT/made"; od -N8 -tx1 /dev/urandom >"$CICD_OUTPUT/drawn"')
    ended = build(site, of, project="web")
    stopped = kept(site, of).stop

    assert ended["status"] == "failed"
    assert "is not reproducible" in error_of(ended)
    assert "other bytes than" in error_of(ended)
    assert "opt/web/drawn (content)" in error_of(ended)
    assert "made" not in error_of(ended).partition(": ")[2]
    assert stopped is not None
    assert stopped.step == "compare builds"
    assert repository.versions() == before
    assert left_on_hosts(site) == []


def second_build(site: Site, of: str, verify: str) -> SecondBuild:
    """Build the commit *of* on one host, as the first steps of a run do."""
    project = replace(site.settings.project("web"), verify_reproducible=verify)
    machine = site.first_choice(of)
    first = Host(machine.name, machine.address)
    where = (site.settings, first, "byhand", project, of)
    steps.fetch_commit(*where)
    described = steps.read_metadata(*where)
    built = steps.PackageBuild(*where, described).packages(made_tree.make(*where, described)[0])
    package = Package("web", built["version"], of, f"acme/app@{of}", built["sha256"], built["file"])
    own = HostBuild(site.settings, project, of, "byhand", described)
    return SecondBuild(own, first, package)


def test_with_one_build_host_it_is_said_that_nothing_was_compared_or_refused(site, repository):
    of = bring(site, 'echo same >"$CICD_OUTPUT/made"')
    made = second_build(site, of, "report")
    only = made.first.name
    for machine in site.builders:
        if machine.name != only:
            site.unregister(machine)
    verdict = made.verify()
    refusing = replace(made.own.project, verify_reproducible="refuse")
    strict = replace(made, own=replace(made.own, project=refusing))
    with pytest.raises(Refused, match=f"is not verified: {only} is the only healthy build host"):
        strict.verify()
    for machine in site.builders:
        site.register(machine)

    assert not verdict.same
    assert (
        verdict.said == f"not verified: {only} is the only healthy build host, site-build (package) in Consul"
    )
    assert kept(site, of).doubt == verdict.said
    steps.clean(site.settings, made.first, "byhand")


@pytest.fixture
def dpkgs(site: Site) -> Iterator[Callable[..., None]]:
    """Let build hosts carry the tags of architectures; each is a pair with what its dpkg says that it is."""

    def make(*hosts: tuple[str, str]) -> None:
        for machine, (tagged, says) in zip(site.builders, hosts, strict=True):
            write(machine.folder / "tools" / "dpkg", DPKG.format(says=says), executable=True)
            site.register(machine, *(f"arch-{one}" for one in tagged.split()))

    yield make
    for machine in site.builders:
        (machine.folder / "tools" / "dpkg").unlink(missing_ok=True)
        site.register(machine)


DPKG = """#!/bin/sh
case $1 in
    --print-architecture) echo "{says}" | cut -d' ' -f1 ;;
    --print-foreign-architectures) echo "{says}" | cut -s -d' ' -f2 ;;
    *) exec /usr/bin/dpkg "$@" ;;
esac
"""


def for_architectures(site: Site, project: str) -> str:
    """Commit a project that says for which architecture it was built; CI passes it for *project*."""
    client = {"name": f"{project}-client", "architecture": "all"}
    said = {"version": "1.0.0", "description": "Is built for both.", "architectures": ["amd64", "arm64"]}
    (site.code / "fpm.json").write_text(json.dumps({**said, "packages": [client]}))
    script = '#!/bin/sh\necho "$CICD_ARCHITECTURE" >"$CICD_OUTPUT/made"\n'
    write(site.code / "script" / "build", script, executable=True)
    of = commit(site.code)
    site.run_is(of, "passed", project=project)
    return of


def digests_of(stated: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["digest"]["sha256"] for one in stated["subject"]}


def provenance_of(repository: RepositoryHost, package: str, version: str) -> dict[str, Any]:
    path = repository.public / "provenance" / package / version / "provenance.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def builder_of(said: dict[str, Any]) -> str:
    return str(said["builder"]["id"]).rpartition(":")[2]


def made_for(repository: RepositoryHost, file: str, folder: Path) -> str:
    """Return what the build wrote into the published *file*."""
    run("dpkg-deb", "-x", str(next(repository.public.rglob(file))), str(folder))
    return (folder / "opt/app/made").read_text().strip()


def test_a_host_without_a_tag_gives_way_to_one_that_builds_for_each_and_all_are_one_release(
    site, repository, dpkgs, tmp_path
):
    of = for_architectures(site, "app")
    plain = site.first_choice(of)
    (tagged,) = [machine for machine in site.builders if machine != plain]
    dpkgs(*(("" if machine == plain else "amd64 arm64", "amd64 arm64") for machine in site.builders))
    ended = build(site, of)
    assert ended["status"] == "succeeded", ended["result"]
    version = ended["result"]["output"]["version"]
    files = {one: f"app_{version}_{one}.deb" for one in ("amd64", "arm64")}
    common = f"app-client_{version}_all.deb"
    known, offered = (
        Ledger(site.settings).find("app", version),
        Repository(site.settings).build("app", version),
    )
    stated = provenance_of(repository, "app", version)
    built = stated["predicate"]["buildDefinition"]["internalParameters"]["architectures"]
    key = repository.export(KEY, tmp_path / "key.asc")

    assert {one: builder_of(built[one]) for one in built} == dict.fromkeys(files, tagged.name)
    assert known is not None
    assert set(known["files"]) == {*files.values(), common}
    assert sorted(offered.digests) == sorted(known["files"].values())
    assert known["files"].items() <= digests_of(stated).items()
    for one, file in files.items():
        client = Client(tmp_path / f"apt-{one}", repository, key, architecture=one)
        assert repository.files(one, version) == {file, common}
        assert made_for(repository, file, tmp_path / one) == one
        assert (client.update(), client.can_install("app", version)) == ("", True)
        assert digest(client.fetched(file)) == known["files"][file]
    assert left_on_hosts(site) == []


def test_a_release_of_which_one_architecture_has_no_build_host_is_refused_before_it_is_built(
    site, repository, dpkgs
):
    dpkgs(("amd64", "amd64"), ("amd64", "amd64"))
    before = repository.versions()
    ended = build(site, for_architectures(site, "app"))

    assert ended["status"] == "failed"
    assert "is built for arm64, and no healthy build host carries the tag arch-arm64" in error_of(ended)
    assert site.steps(ended["id"], "build_package") == []
    assert repository.versions() == before
    assert left_on_hosts(site) == []


def test_a_host_whose_dpkg_does_not_know_its_tag_builds_nothing_of_a_release(site, repository, dpkgs):
    dpkgs(("amd64", "amd64"), ("arm64", "amd64"))
    before = repository.versions()
    ended = build(site, for_architectures(site, "app"))

    assert ended["status"] == "failed"
    assert f"{site.builders[1].name} (" in error_of(ended)
    assert "carries the tag arch-arm64, but its dpkg is amd64" in error_of(ended)
    assert repository.versions() == before
    assert left_on_hosts(site) == []


def test_a_host_that_a_run_moved_to_and_that_has_a_false_tag_keeps_nothing_of_it(site, repository, dpkgs):
    of = for_architectures(site, "app")
    plain = site.first_choice(of)
    dpkgs(*(("" if machine == plain else "amd64 arm64", "riscv64") for machine in site.builders))
    ended = build(site, of)

    assert ended["status"] == "failed"
    assert "carries the tag arch-amd64, but its dpkg is riscv64" in error_of(ended)
    assert left_on_hosts(site) == []
    assert Store(site.settings).keys("cicd/.builders/") == []


@pytest.mark.long
def test_each_architecture_is_built_twice_and_the_provenance_says_so(site, repository, dpkgs):
    dpkgs(("amd64 arm64", "amd64 arm64"), ("amd64 arm64", "amd64 arm64"))
    of = for_architectures(site, "web")
    ended = build(site, of, project="web")
    assert ended["status"] == "succeeded", ended["result"]
    stated = provenance_of(repository, "web", ended["result"]["output"]["version"])
    said = stated["predicate"]["buildDefinition"]["internalParameters"]
    shown = said["reproduced"]

    assert {builder_of(one) for one in said["architectures"].values()} == {one.name for one in site.builders}
    assert shown == kept(site, of).reproduced
    assert shown.startswith("built with the same bytes on ")
    assert all(machine.name in shown for machine in site.builders)
    assert left_on_hosts(site) == []
