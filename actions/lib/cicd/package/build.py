"""Build one commit into a package, on one build host."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, replace
from typing import Any, Dict, List, Mapping, Sequence, TypedDict

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import HostError
from cicd.package import answers, contract, metadata, provenance, rpm, sbom
from cicd.package import tree as trees
from cicd.package.builder_input import Origin
from cicd.package.built import BuiltPackage
from cicd.package.clearance import Clearance
from cicd.package.metadata import Metadata
from cicd.package.package_names import Names
from cicd.package.packaging import Run
from cicd.package.provenance import Builder
from cicd.package.tree import StoredTree, Tree
from cicd.release.host import Host
from cicd.sanitize import one_line, rfc3339

# A run whose directory nothing touched for so many steps' time is dead, and swept away.
DEAD_AFTER_STEPS = 3
LOCK = "lock:"


class Described(TypedDict):
    """What a package will be: its `version`, the `time` of its commit (epoch seconds), whence its `tree`."""

    version: str
    time: int
    metadata: Dict[str, object]
    tree: StoredTree


class Built(BuiltPackage):
    """What came out of a build: the first package, and the `others` of the release."""

    driver: str
    version: str
    tree: StoredTree
    others: List[BuiltPackage]


def fetch_commit(settings: Settings, host: Host, run: str, project: Project, commit: str) -> None:
    """Bring exactly *commit* of *project* to *host*, in the directory of *run*."""
    source, seconds = settings.source, _timeout(settings)
    keys = (source.deploy_key_file, source.token_file)
    secrets = tuple(pattern.replace("{project}", project.name) for pattern in keys)
    dead_after = DEAD_AFTER_STEPS * seconds + settings.package.build_seconds
    with Shell(settings, host) as shell:
        Run(shell, run, seconds).fetch(project, commit, settings.clone_url(project), dead_after, secrets)


def read_metadata(settings: Settings, host: Host, run: str, project: Project, commit: str) -> Described:
    """
    Return what the package of *run* will be, and where its tree comes from.

    Raises ProjectError, before anything is built, when the project's contract is broken, and
    Refused when the package's name is somebody else's.
    """
    with Shell(settings, host) as shell:
        found = contract.read(shell, run, project, commit, _timeout(settings))
        if "rpm" in settings.package.formats:
            rpm.refuse_unsayable(project.name, commit, found.metadata)
        names = Names(settings)
        for one in found.metadata.release:
            names.refuse_foreign(project, one.name, shell)
            names.refuse_related(project, one.related, shell)
    tree = trees.source_of(found.metadata.build, found.metadata.artifact).as_json()
    return {
        "version": found.version,
        "time": found.time,
        "metadata": asdict(found.metadata),
        "tree": tree,
    }


def build_package(
    settings: Settings,
    host: Host,
    run: str,
    project: Project,
    commit: str,
    described: Described,
    clearance: Clearance,
    tree: Tree,
) -> Built:
    """
    Build the packages of *tree* that *described* (the result of read_metadata), and say what came out.

    Bill of materials and provenance, which has the commit's *clearance*, are left beside the first file.
    """
    meta = metadata_of(described["metadata"])
    trace = identifiers.trace_tag(project.repository, commit)
    origin = Origin(
        project.repository, commit, trace, int(described["time"]), project.name, project.directory
    )
    version, section = described["version"], settings.package
    started = _now()
    with Shell(settings, host) as shell:
        driver, how = section.driver, (section.formats, section.lintian, tree.digest)
        machine = Run(shell, run, _timeout(settings))
        made = [machine.package(one, version, origin, driver, *how) for one in meta.release]
        builder = Builder(host.name, made[0]["driver"], made[0].get("tool", ""), run, started, _now())
        tree = replace(tree, digest=made[0]["tree"])
        for name, content in papers(meta, version, origin, builder, made, clearance, tree).items():
            shell.put(content, f"builds/{run}/out/{meta.name}/{name}")
    first, *others = (_built(one, said) for one, said in zip(meta.release, made))
    return {
        **first,
        "driver": made[0]["driver"],
        "version": version,
        "tree": tree.as_json(),
        "others": others,
    }


def _built(meta: Metadata, said: Mapping[str, str]) -> BuiltPackage:
    errors = answers.text(said.get("lintian", "")).splitlines()
    return {
        "package": meta.name,
        "file": said["file"],
        "sha256": said["sha256"],
        "bytes": int(said["bytes"]),
        "rpms": [said["rpm"]] if "rpm" in said else [],
        "lintian": [one_line(e) for e in errors],
    }


def papers(
    meta: Metadata,
    version: str,
    origin: Origin,
    builder: Builder,
    made: Sequence[Mapping[str, str]],
    clearance: Clearance,
    tree: Tree,
) -> dict[str, str]:
    """Return the bill of materials and the provenance of what a build said that it *made*, by file name."""
    first = made[0]
    locks = {key[len(LOCK) :]: answers.text(first[key]) for key in first if key.startswith(LOCK)}
    digests = [said["sha256"] for said in made]
    bill = _json(sbom.bill(meta, version, origin, digests, rfc3339(origin.time), locks))
    subjects = {said["file"].rpartition("/")[2]: said["sha256"] for said in made}
    subjects["sbom.cdx.json"] = hashlib.sha256(bill.encode()).hexdigest()
    statement = _json(provenance.statement(subjects, origin, builder, asdict(meta), clearance, tree))
    return {"sbom.cdx.json": bill, "provenance.json": statement}


def clean(settings: Settings, host: Host, run: str) -> None:
    """Remove everything that *run* left on *host*."""
    with Shell(settings, host) as shell:
        shell.script("clean_build", [identifiers.check("run", run)], _timeout(settings))


def _timeout(settings: Settings) -> int:
    return settings.package.timeout


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _now() -> str:
    return rfc3339(time.time())


def metadata_of(values: Mapping[str, Any]) -> Metadata:
    """Return the metadata that read_metadata described; HostError when it is incomplete."""
    try:
        return metadata.from_json(values)
    except (KeyError, TypeError) as error:
        raise HostError(
            f"The package's metadata is incomplete ({error}).", "Run read_metadata first."
        ) from None
