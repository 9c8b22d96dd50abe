"""What is said of a package: bill of materials and provenance."""

import json
from dataclasses import asdict, replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from cicd.package import provenance, sbom
from cicd.package.builder_input import Origin
from cicd.package.built import Package
from cicd.package.clearance import Clearance
from cicd.package.metadata import Metadata
from cicd.package.provenance import Builder, Making
from cicd.package.tree import Tree
from cicd.repository.publish import subjects

COMMIT = "a" * 40
VERSION = "1.0-1.aaaaaaa"
ORIGIN = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1_700_000_000, "greeter")
META = Metadata(
    name="greeter",
    version="1.0",
    description="Greets.",
    maintainer="Ann <ann@example.com>",
    prefix="/opt/greeter",
    hook="script/post-inst",
    license="MIT OR Apache-2.0",
    depends=("python3 (>= 3.9) | python3.12:any", "libc6 (>= 2.36)"),
)
LOCK = json.dumps({"packages": {"": {}, "node_modules/@a/b": {"version": "1.2.3"}, "node_modules/x": {}}})
LOCKS = {
    "requirements.txt": "Flask_Thing[x]==2.0 ; python_version > '3'\nloose>=1\n",
    "package-lock.json": "{}",
}


def bill(locks: dict[str, str]) -> dict:
    digests = {META.file(VERSION): "0" * 64}
    return sbom.bill(META, VERSION, ORIGIN, digests, "2026-01-01T00:00:00Z", locks)


def problem(found: dict) -> object:
    return JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(found))


@pytest.mark.parametrize("locks", [{}, LOCKS, {"package-lock.json": LOCK}, {"package-lock.json": "[" * 9999}])
def test_the_bill_is_valid_cyclonedx(locks):
    assert problem(bill(locks)) is None


@given(st.dictionaries(st.sampled_from(["requirements.txt", "package-lock.json"]), st.text()))
def test_no_lock_file_breaks_the_bill(locks):
    assert bill(locks)["components"]


def test_the_bill_names_what_the_package_and_its_lock_files_declare():
    found = {component["purl"] for component in bill(LOCKS)["components"]}
    npm = {component["purl"] for component in bill({"package-lock.json": LOCK})["components"]}

    assert found == {
        "pkg:deb/debian/python3",
        "pkg:deb/debian/python3.12",
        "pkg:deb/debian/libc6",
        "pkg:pypi/flask-thing@2.0",
    }
    assert "pkg:npm/%40a/b@1.2.3" in npm


def test_the_same_package_has_the_same_bill():
    assert bill(LOCKS) == bill(dict(reversed(list(LOCKS.items()))))


BUILDER = Builder("build1", "fpm", "1.17.0", "run1", "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z")


def package(*others: Package) -> Package:
    file = f"/home/cicd/builds/r/out/{META.file(VERSION)}"
    return Package("greeter", VERSION, COMMIT, ORIGIN.trace, "0" * 64, file, others=others)


def stated(
    clearance: Clearance,
    *more: Builder,
    first: Builder = BUILDER,
    reproduced: str = "",
    others: tuple[Package, ...] = (),
) -> dict:
    making = Making(ORIGIN, asdict(META), (first, *more), reproduced)
    about = subjects(package(*others), b"{}")
    return json.loads(json.dumps(provenance.statement(about, making, clearance, Tree())))


def test_the_statement_names_commit_builder_inputs_and_digests():
    statement = stated(Clearance(7))
    definition = statement["predicate"]["buildDefinition"]

    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert [subject["name"] for subject in statement["subject"]] == [
        "greeter_1.0-1.aaaaaaa_all.deb",
        "sbom.cdx.json",
    ]
    assert definition["externalParameters"]["commit"] == COMMIT
    assert definition["externalParameters"]["project"] == "greeter"
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": COMMIT}
    assert statement["predicate"]["runDetails"]["builder"]["version"] == {"fpm": "1.17.0"}
    assert definition["buildType"] == provenance.BUILD_TYPE


def test_the_statement_says_whether_ci_passed_the_commit_and_who_let_it_past_if_not():
    def ci(clearance: Clearance) -> dict:
        return stated(clearance)["predicate"]["buildDefinition"]["internalParameters"]["ci"]

    assert ci(Clearance(7)) == {"passed": True, "build": 7}
    assert ci(Clearance(who="ann", role="chief", why="db is down", when=1.5)) == {
        "passed": False, "who": "ann", "role": "chief", "why": "db is down", "when": 1.5,
    }  # fmt: skip


def test_the_statement_of_several_architectures_says_who_built_which_of_what_tree():
    arm64 = replace(BUILDER, host="build2", architecture="arm64", tree="2" * 64)
    amd64 = replace(BUILDER, architecture="amd64", tree="1" * 64)
    other = Package(
        "greeter", VERSION, COMMIT, ORIGIN.trace, "f" * 64, f"out/.arm64/greeter_{VERSION}_arm64.deb"
    )
    statement = stated(Clearance(7), arm64, first=amd64, others=(other,))
    built = statement["predicate"]["buildDefinition"]["internalParameters"]["architectures"]

    assert {name: (one["builder"]["id"], one["tree"]) for name, one in built.items()} == {
        "amd64": ("urn:cicd:build-host:build1", "1" * 64),
        "arm64": ("urn:cicd:build-host:build2", "2" * 64),
    }
    assert {"name": f"greeter_{VERSION}_arm64.deb", "digest": {"sha256": "f" * 64}} in statement["subject"]


def test_the_statement_says_what_a_second_build_showed_and_nothing_when_there_was_none():
    def internal(reproduced: str) -> dict:
        found = stated(Clearance(7), reproduced=reproduced)
        return found["predicate"]["buildDefinition"]["internalParameters"]

    said = "built with the same bytes on build2"

    assert internal(said)["reproduced"] == said
    assert {"reproduced", "architectures"}.isdisjoint(internal(""))
