"""Where a package came from, as an in-toto statement with SLSA provenance. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from cicd.package.builder_input import Origin
from cicd.package.clearance import Clearance

BUILD_TYPE = "urn:cicd:build:package:v1"


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
    inputs: Mapping[str, Any],
    clearance: Clearance,
) -> dict[str, Any]:
    """
    Return the statement about *subjects*, sha256 by file name, made by *builder* from *origin*.

    *inputs* are what else decided the outcome, the package's metadata; *clearance* is why CI let it.
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
