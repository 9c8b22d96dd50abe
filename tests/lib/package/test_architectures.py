"""A release for several architectures: what is refused, what exists once, and what is said of each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from cicd.errors import ProjectError, Refused
from cicd.package import build, metadata
from cicd.package.architectures import refuse_missing
from cicd.package.build_hosts import architectures_of
from cicd.package.metadata import Metadata
from tests.lib.package.test_metadata import WHOLE, read
from tests.lib.package.test_packages import CLIENT, LIBRARY, ORIGIN, VERSION

BOTH = ["amd64", "arm64"]


def release(*packages: dict[str, Any], **first: Any) -> Metadata:
    return read({**WHOLE, "architectures": BOTH, **first, "packages": list(packages)})


def test_what_does_not_say_all_is_built_for_each_and_the_rest_once():
    said = release(CLIENT, LIBRARY)
    other = said.built_for("arm64")

    assert [one.architecture for one in said.release] == ["amd64", "all", "amd64"]
    assert [one.architecture for one in other.release] == ["arm64", "all", "arm64"]
    assert (said.other_architectures, other.other_architectures) == (("arm64",), ("amd64",))


def test_without_the_field_a_package_is_built_once_for_what_it_says():
    plain, one = read(WHOLE), read({**WHOLE, "architecture": "arm64"})

    assert (plain.architecture, plain.architectures, plain.other_architectures) == ("all", (), ())
    assert (one.architecture, one.architectures) == ("arm64", ())


def test_what_a_step_hands_on_is_the_same_release_and_so_is_what_an_older_pack_handed_on():
    said = release(CLIENT)
    before = json.loads(json.dumps(asdict(read(WHOLE))))
    del before["architectures"]

    assert metadata.from_json(json.loads(json.dumps(asdict(said)))) == said
    assert metadata.from_json(before) == read(WHOLE)


@pytest.mark.parametrize(
    ("packages", "first", "problem"),
    [
        ([], {"architecture": "amd64"}, r"line \d+: `architecture` and `architectures` both say"),
        (
            [],
            {"architectures": ["all"]},
            r"line \d+: `architectures\[0\]` must be a Debian architecture, but all",
        ),
        ([], {"architectures": "amd64"}, r"`architectures` must be a list"),
        ([], {"artifact": "dist.tar"}, r"line \d+: `artifact` is what CI built on one machine"),
        (
            [{**LIBRARY, "architecture": "arm64"}],
            {},
            r"line \d+: `architecture` next to `architectures` can only be all",
        ),
        ([{**LIBRARY, "architectures": BOTH}], {}, r"`packages\[0\]\.architectures` is not known"),
    ],
)
def test_what_contradicts_architectures_is_refused_with_its_line(packages, first, problem):
    with pytest.raises(ProjectError, match=problem):
        release(*packages, **first)


def test_an_architecture_that_no_build_host_carries_is_refused_by_name():
    tagged = {"build1": architectures_of(["package", "arch-amd64"]), "build2": []}
    refuse_missing("greeter at aaaaaaa", ["amd64"], tagged, BOTH)

    with pytest.raises(
        Refused, match=r"greeter at aaaaaaa is built for arm64, and no .* the tag arch-arm64 in"
    ):
        refuse_missing("greeter at aaaaaaa", BOTH, tagged, BOTH)


def test_an_architecture_that_the_repository_does_not_carry_is_refused_by_name():
    with pytest.raises(Refused, match="is built for arm64, which the repository does not carry"):
        refuse_missing("greeter at aaaaaaa", BOTH, {"build1": BOTH}, ["amd64"])


def test_the_bill_names_each_file_of_each_architecture_once():
    said = release(CLIENT, LIBRARY)
    files = {one.file(VERSION) for other in BOTH for one in said.built_for(other).release}
    digests = {file: f"{number:x}" * 64 for number, file in enumerate(sorted(files))}
    bill = json.loads(build.bill(said, VERSION, ORIGIN, {}, digests))
    named = [bill["metadata"]["component"], *bill["components"]]
    hashed = [one["hashes"][0]["content"] for one in named if "hashes" in one]

    assert len(files) == 5
    assert sorted(hashed) == sorted(digests.values())
    assert len({one["bom-ref"] for one in named}) == len(named)
