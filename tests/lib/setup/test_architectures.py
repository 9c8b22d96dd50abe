"""A tag that a build host does not live up to, and an architecture that no host builds for, are named."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cicd.setup.architectures import BuildHost, judged, parsed
from tests.package.building import BuildHost as Home
from tests.package.building import commit, project

AMD64 = BuildHost(("amd64",), ("amd64",))


def test_an_architecture_that_a_project_wants_and_no_host_has_the_tag_of_is_named_with_the_project():
    wants = BuildHost(("amd64",), ("amd64",), {"shop": ("amd64", "arm64"), "app": ()})
    (found,) = judged({"build1": wants, "build2": AMD64})

    assert found.line.startswith("WRONG    build hosts: none carries the tag arch-arm64")
    assert "which fpm.json of shop needs. Give the tag to a build host" in found.line
    assert list(judged({"build1": wants, "build2": BuildHost(("arm64",), ("arm64",))})) == []


def test_a_host_whose_dpkg_does_not_know_its_tag_is_named_and_one_that_declares_a_cross_build_is_not():
    (found,) = judged({"build1": AMD64, "build2": BuildHost(("arm64",), ("amd64",))})

    assert found.line.startswith(
        "WRONG    build hosts, build2: carries the tag arch-arm64, but its dpkg is amd64"
    )
    assert "`dpkg --add-architecture arm64`" in found.fix
    assert list(judged({"build1": BuildHost(("arm64",), ("amd64", "arm64"))})) == []


def test_a_host_that_did_not_answer_is_not_said_to_lie():
    assert list(judged({"build1": BuildHost(("arm64",))})) == []


def test_a_mirror_tells_which_architectures_the_newest_commit_wants_and_fetches_nothing(tmp_path: Path):
    code = project(tmp_path / "app")
    values = json.loads((code / "fpm.json").read_text())
    (code / "fpm.json").write_text(json.dumps({**values, "architectures": ["amd64", "arm64"]}))
    host = Home(tmp_path / "home", code)
    assert host.fetch(commit(code)).returncode == 0
    os.rename(code, tmp_path / "away")
    found = parsed(
        host.script("check_architectures", "app", "", "other", "").stdout, ["package", "arch-arm64"]
    )

    assert (found.wanted, found.tagged) == ({"app": ("amd64", "arm64")}, ("arm64",))
    assert "amd64" in found.builds


def test_an_fpm_json_that_is_not_sound_wants_nothing():
    assert parsed("fpm_json=app eA==\nbuilds=amd64\nfpm_json=web !\n", []).wanted == {"app": (), "web": ()}
