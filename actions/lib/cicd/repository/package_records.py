"""Consul's record of every published package: `cicd/<project>/packages/<version>`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Dict, Iterable, List, TypedDict

from cicd import identifiers
from cicd.errors import Refused
from cicd.package.built import Package
from cicd.package.clearance import Clearance, StoredClearance
from cicd.package.tree import StoredTree, Tree
from cicd.release.version import BUILT
from cicd.sanitize import rfc3339
from cicd.store.archive import Archive, Kind
from cicd.store.store import Store

ALONE = 300  # the records of the newest versions, each a key of its own
LATEST = 2**64
BUCKET_COMMITS = 500  # records of so many commits are in one value of the archive


class StoredPackage(TypedDict, total=False):
    """
    A record as it is stored; earlier packs wrote no `ci` and no `committed`, the epoch
    second of its commit. `published_at` is in UTC.

    `files` are all packages of a release with several, sha256 by the file's name.
    """

    package: str
    version: str
    commit: str
    trace: str
    sha256: str
    files: Dict[str, str]
    builder: str
    driver: str
    sbom: str
    provenance: str
    provenance_sha256: str
    ci: StoredClearance
    tree: StoredTree
    committed: int
    published_at: str


@dataclass(frozen=True)
class Record:
    """
    What is remembered of a package: itself, where it was built, and the URL of its *papers*' folder.

    `clearance` is why its commit could be built, `tree` what was packaged, `committed` the epoch second of
    its commit.
    """

    package: Package
    builder: str
    driver: str
    papers: str
    statement: str  # sha256 of the provenance statement
    clearance: Clearance
    tree: Tree
    committed: int = 0

    def as_json(self) -> StoredPackage:
        """Return the record as it is stored."""
        package = self.package
        files = {one.file.rpartition("/")[2]: one.sha256 for one in package.release}
        several: StoredPackage = {"files": files} if package.others else {}
        return {
            **several,
            "package": package.name,
            "version": package.version,
            "commit": package.commit,
            "trace": package.trace,
            "sha256": package.sha256,
            "builder": self.builder,
            "driver": self.driver,
            "sbom": f"{self.papers}/sbom.cdx.json",
            "provenance": f"{self.papers}/provenance.json",
            "provenance_sha256": self.statement,
            "ci": self.clearance.as_json(),
            "tree": self.tree.as_json(),
            "committed": self.committed,
            "published_at": rfc3339(time.time()),
        }


class Ledger(Store):
    """The records; the first one of a version stays, even when its package is pruned."""

    def find(self, project: str, version: str) -> StoredPackage | None:
        """Return the record of *version* of *project*, or None."""
        _key(project, version)
        return self.records(project).find(version)

    def records(self, project: str) -> Archive[StoredPackage]:
        """Return all records of *project*."""
        return Archive(self, project, PACKAGES)

    def committed(self, project: str, versions: Iterable[str]) -> Dict[str, float]:
        """Return the epoch second of the commit of each of *versions* whose record has it."""
        known = self.records(project).several(sorted(set(versions)))
        return {one["version"]: one["committed"] for one in known if one.get("committed")}

    def old(self, project: str) -> List[str]:
        """Return the versions of *project* that were recorded first, beyond those that stay keys."""
        created = self._created(project)
        return sorted(created, key=lambda version: created[version])[:-ALONE]

    def _created(self, project: str) -> Dict[str, int]:
        """Return when each version was recorded, by Consul's own count; those that are folded came before."""
        items = self.items(f"cicd/{project}/packages/")
        return {item["Key"].rpartition("/")[2]: int(item["CreateIndex"]) for item in items}

    def record(self, project: str, record: Record) -> None:
        """Store *record* unless the version has one; refused when that has another digest."""
        if self.refuse_other_content(project, record.package):
            return
        value = json.dumps(record.as_json(), sort_keys=True)
        key = _key(project, record.package.version)
        if not self.ask(lambda c: c.kv.put(key, value, cas=0)):
            self.refuse_other_content(project, record.package)

    def published_after(self, project: str, version: str) -> set[str]:
        """Return the versions that were recorded after *version*, by Consul's own count."""
        created = self._created(project)
        first = created.get(version, 0 if self.find(project, version) else LATEST)
        return {other for other, index in created.items() if index > first}

    def refuse_other_content(self, project: str, package: Package) -> bool:
        """Raise Refused when *package*'s version is recorded with other content; True if with this one."""
        known = self.find(project, package.version)
        refuse_other_content(known, project, package)
        return known is not None


def refuse_other_content(known: StoredPackage | None, project: str, package: Package) -> None:
    """Raise Refused when *known*, the record of *package*'s version if there is one, is of something else."""
    if known and known.get("package", package.name) != package.name:
        raise Refused(
            f"{package.version} of {project} is the package {known['package']}, not {package.name}.",
            f"Name the package {known['package']}, or none.",
        )
    recorded = {str(known.get("sha256")), *known.get("files", {}).values()} if known else set()
    strange = [one for one in package.release if one.sha256 not in recorded]
    if known and (strange or known.get("commit") != package.commit):
        other = [*strange, package][0]
        raise Refused(
            f"{other.name} {package.version} is recorded with other content "
            f"(sha256 {str(known.get('sha256'))[:12]}…, this build is {other.sha256[:12]}…).",
            "A published version never changes: commit again, and let that be built.",
        )


def _commits(version: str) -> int:
    match = BUILT.fullmatch(version)
    return int(match["commits"]) if match else 0


def _key(project: str, version: str) -> str:
    return f"cicd/{identifiers.check('project', project)}/packages/{identifiers.check('version', version)}"


PACKAGES = Kind("packages", StoredPackage, lambda version: _commits(version) // BUCKET_COMMITS)
