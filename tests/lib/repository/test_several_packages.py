"""A release with several packages, from the index to what hosts read, and back to what may go."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml

from cicd import config
from cicd.errors import Refused, RepositoryError
from cicd.package import built
from cicd.package.built import Package
from cicd.release import record
from cicd.release.record import Build, Release, Ring, Sibling
from cicd.release.wanted import wanted_document
from cicd.repository.apt_index import Repository
from cicd.repository.package_records import StoredPackage, refuse_other_content
from cicd.repository.retention import choose
from tests.lib.apt_index import entry, served

ROOT = Path(__file__).parents[3]
VERSION, COMMIT = "1.0-1.abcdef0", "abcdef0" + "0" * 33
TRACE = f"acme/app@{COMMIT}"
SERVER, CLIENT = "a" * 64, "b" * 64
BUILD = Build(VERSION, "app", COMMIT, SERVER, TRACE, siblings=(Sibling("app-client", CLIENT),))


def offered(folder: Path, *entries: str) -> Build:
    values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
    with served(folder, entries) as url:
        values["repository"].update(url=url, architectures=["amd64"])
        return Repository(config.parse(values)).build("app", VERSION)


def server() -> str:
    return f"{entry('app', VERSION, TRACE, SERVER)}X-CICD-Packages: app-client\n"


def test_what_the_first_package_names_is_deployed_with_it_at_its_version(tmp_path):
    client, library = entry("app-client", VERSION, TRACE, CLIENT), entry("app-library", VERSION, TRACE)
    older = entry("app-client", "1.0-0.abcdef0", TRACE, "c" * 64)

    assert offered(tmp_path, older, client, library, server()) == BUILD


def test_a_release_that_is_not_whole_in_the_index_is_not_deployed(tmp_path):
    with pytest.raises(RepositoryError, match=rf"app-client {VERSION} is not in the repository"):
        offered(tmp_path, server())


def test_hosts_read_all_names_and_all_digests_the_first_package_first():
    release = Release("app", 7, {"canary": Ring("healthy", BUILD, generation=7)})
    lines = wanted_document(release, "canary").splitlines()

    assert "package=app app-client" in lines
    assert f"sha256={SERVER} {CLIENT}" in lines


def test_a_record_keeps_the_packages_and_one_from_before_has_none():
    release = Release("app", 7, {"canary": Ring("healthy", BUILD, generation=7)})
    stored = json.loads(json.dumps(record.to_json(release)))
    before = copy.deepcopy(stored)
    del before["canary"]["wanted"]["siblings"]
    known = record.from_json(before).ring("canary").wanted

    assert record.from_json(stored) == release
    assert known is not None
    assert known.packages == ("app",)


def test_a_package_beside_the_first_one_with_other_bytes_is_refused_by_name():
    known: StoredPackage = {"package": "app", "commit": COMMIT, "sha256": SERVER, "files": {"x": CLIENT}}
    refuse_other_content(known, "app", built.of_build(BUILD))
    other = Package("app-client", VERSION, COMMIT, TRACE, "c" * 64)

    with pytest.raises(Refused, match=rf"app-client {VERSION} is recorded with other content"):
        refuse_other_content(known, "app", Package("app", VERSION, COMMIT, TRACE, SERVER, others=(other,)))
    with pytest.raises(Refused, match="is recorded with other content"):
        refuse_other_content({**known, "files": {}}, "app", built.of_build(BUILD))


def test_a_version_goes_with_all_its_packages():
    versions = [f"1.0-{number}.abcdef0" for number in (1, 2)]
    entries = [{"Package": name, "Version": v} for v in versions for name in ("app", "app-client")]
    kept = Ring(wanted=Build(versions[1], "app", COMMIT, SERVER, TRACE))
    gone = [one for one in choose(entries, Release("app", rings={"canary": kept}), (), 1, 0.0) if not one.why]

    assert [(one.version, one.packages) for one in gone] == [(versions[0], ("app", "app-client"))]
