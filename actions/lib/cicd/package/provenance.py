"""Where a package came from, as an in-toto statement with SLSA provenance. Runs nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Dict, List, Mapping, Tuple, TypedDict, cast

from cicd.package.builder_input import Origin
from cicd.package.clearance import Clearance
from cicd.package.tree import Tree

BUILD_TYPE = "urn:cicd:build:package:v1"
BILL, STATEMENT = "sbom.cdx.json", "provenance.json"


class Subject(TypedDict):
    """A file that was built, and its digests by algorithm."""

    name: str
    digest: Dict[str, str]


class Predicate(TypedDict):
    """What SLSA wants to be said of how, and of who and when."""

    buildDefinition: Mapping[str, object]
    runDetails: Mapping[str, object]


class Statement(TypedDict):
    """An in-toto statement."""

    _type: str
    subject: List[Subject]
    predicateType: str
    predicate: Predicate


class StoredBuilder(TypedDict):
    """A builder as the steps of a run hand it on."""

    host: str
    driver: str
    version: str
    run: str
    started: str
    finished: str
    architecture: str
    tree: str


@dataclass(frozen=True)
class Builder:
    """
    Who built: *host*, *driver* with its *version*, and *run* of the pipeline; times are RFC 3339.

    It built for *architecture*, of a tree with the digest *tree*.
    """

    host: str
    driver: str
    version: str
    run: str
    started: str
    finished: str
    architecture: str = ""
    tree: str = ""

    def as_json(self) -> StoredBuilder:
        """Return it as the steps of a run hand it on."""
        return cast(StoredBuilder, asdict(self))


@dataclass(frozen=True)
class Making:
    """
    How a release was made: from *origin*, by *builders*, one for each architecture.

    *inputs* are what else decided the outcome, the package's metadata; *reproduced* is what a second build
    showed, empty when there was none.
    """

    origin: Origin
    inputs: Mapping[str, object]
    builders: Tuple[Builder, ...]
    reproduced: str = ""


def statement(subjects: Mapping[str, str], making: Making, clearance: Clearance, tree: Tree) -> Statement:
    """
    Return the statement about *subjects*, sha256 by file name.

    *making* is how they were made, *clearance* why CI let it, and *tree* what was packaged.
    """
    origin, builder = making.origin, making.builders[0]
    source = f"git+https://github.com/{origin.repository}"
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": value}} for name, value in sorted(subjects.items())],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "project": origin.project,
                    "repository": origin.repository,
                    "commit": origin.commit,
                    "trace": origin.trace,
                    **({"directory": origin.directory} if origin.directory else {}),
                },
                "internalParameters": {
                    "driver": builder.driver,
                    "metadata": dict(making.inputs),
                    "ci": clearance.as_json(),
                    "tree": tree.as_json(),
                    **_further(making),
                },
                "resolvedDependencies": [{"uri": source, "digest": {"gitCommit": origin.commit}}],
            },
            "runDetails": {
                "builder": _builder(builder),
                "metadata": _times(builder),
            },
        },
    }


def _further(making: Making) -> Mapping[str, object]:
    """Return what is said only of a release for several architectures, or of one that was built twice."""
    built = {
        one.architecture: {"builder": _builder(one), "metadata": _times(one), "tree": one.tree}
        for one in making.builders
    }
    several = {"architectures": built} if len(built) > 1 else {}
    return {**several, **({"reproduced": making.reproduced} if making.reproduced else {})}


def _builder(builder: Builder) -> Mapping[str, object]:
    version = {builder.driver: builder.version}
    return {"id": f"urn:cicd:build-host:{builder.host}", "version": version}


def _times(builder: Builder) -> Mapping[str, str]:
    times = {"startedOn": builder.started, "finishedOn": builder.finished}
    return {"invocationId": builder.run, **times}
