"""What pruning takes of several projects, through StackStorm's API, from a real repository."""

import os
import time

import pytest

from cicd.release import transitions
from cicd.release.record import Build, Cause, Release
from cicd.repository.apt_index import Repository
from cicd.store.store import Store
from tests.package.publishing import COMMIT, deb

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can end all that runs on a host at once")
VERSIONS = [f"0.1-{number}.abcdef0" for number in range(1, 5)]


def want(site, project: str, version: str) -> None:
    wanted = Build(version, project, COMMIT, "0" * 64, "")

    def advertise(known: Release) -> Release:
        return transitions.advertise_canary(known, wanted, time.time())

    Store(site.settings).change(project, "test", "canary", Cause("ann", "a test", 1.0), advertise)


def left(site, project: str) -> set[str]:
    return {e["Version"] for e in Repository(site.settings).entries() if e["Package"] == project}


def prune(site, **more: object) -> dict:
    ended = site.rest.run("cicd.prune_packages", {"project": "everything", **more})
    return {"status": ended["status"], **ended["result"]["result"]}


def test_of_each_project_of_one_repository_only_its_own_versions_go(site, repository, tmp_path):
    for version in VERSIONS:
        for project in ("app", "web"):
            assert repository.publish(deb(tmp_path, project, version)).returncode == 0
    want(site, "app", VERSIONS[0])
    listed = prune(site, dry_run=True)

    assert listed["removed"] == [f"app {VERSIONS[2]}", f"app {VERSIONS[1]}"]
    assert left(site, "app") == left(site, "web") == set(VERSIONS)

    site.kill(site.publisher)
    failed = prune(site)
    site.revive()

    assert failed["status"] == "failed"
    assert f"1 of 2 projects were not pruned: app ({site.publisher.name} " in failed["error"]
    assert left(site, "app") == set(VERSIONS)

    want(site, "web", VERSIONS[1])
    done = prune(site)

    assert done["status"] == "succeeded"
    assert left(site, "app") == {VERSIONS[3], VERSIONS[0]}
    assert left(site, "web") == {VERSIONS[3], VERSIONS[1]}
    assert prune(site)["removed"] == []
