"""Where a package came from, as an in-toto statement with SLSA provenance. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, TypedDict

from cicd.package.builder_input import Origin
from cicd.package.clearance import Clearance
from cicd.package.tree import Tree

BUILD_TYPE = "urn:cicd:build:package:v1"


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


@dataclass(frozen=True)
class Builder:
    """Who built: *host*, *driver* with its *version*, and *run* of the pipeline; times are RFC 3339."""

    host: str
    driver: str
    version: str
    run: str
    started: str
    finished: str


def statement(
    subjects: Mapping[str, str],
    origin: Origin,
    builder: Builder,
    inputs: Mapping[str, object],
    clearance: Clearance,
    tree: Tree,
) -> Statement:
    """
    Return the statement about *subjects*, sha256 by file name, made by *builder* from *origin*.

    *inputs* are what else decided the outcome, the package's metadata; *clearance* is why CI let it,
    and *tree* what was packaged.
    """
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
                    "metadata": dict(inputs),
                    "ci": clearance.as_json(),
                    "tree": tree.as_json(),
                },
                "resolvedDependencies": [{"uri": source, "digest": {"gitCommit": origin.commit}}],
            },
            "runDetails": {
                "builder": {
                    "id": f"urn:cicd:build-host:{builder.host}",
                    "version": {builder.driver: builder.version},
                },
                "metadata": {
                    "invocationId": builder.run,
                    "startedOn": builder.started,
                    "finishedOn": builder.finished,
                },
            },
        },
    }
