"""Build one commit into a package, on one build host."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, List, Mapping, Sequence, TypedDict

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import HostError
from cicd.package import answers, contract, metadata, rpm, sbom
from cicd.package import tree as trees
from cicd.package.builder_input import Origin
from cicd.package.built import BuiltPackage
from cicd.package.metadata import Metadata
from cicd.package.package_names import Names
from cicd.package.packaging import Run
from cicd.package.provenance import BILL, Builder, Making, StoredBuilder
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
    """What came out of a build: the first package, the `others` of the release, and who built them."""

    driver: str
    version: str
    tree: StoredTree
    others: List[BuiltPackage]
    builder: StoredBuilder


def fetch_commit(settings: Settings, host: Host, run: str, project: Project, commit: str) -> None:
    """Bring exactly *commit* of *project* to *host*, in the directory of *run*."""
    url, secrets, seconds = settings.clone_url(project), settings.clone_secrets(project), _timeout(settings)
    dead_after = DEAD_AFTER_STEPS * seconds + settings.package.build_seconds
    with Shell(settings, host) as shell:
        Run(shell, run, seconds).fetch(project, commit, url, dead_after, secrets)


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


@dataclass(frozen=True)
class PackageBuild:
    """The build of *commit* on *host*, in the directory of *run*, as *described* by read_metadata."""

    settings: Settings
    host: Host
    run: str
    project: Project
    commit: str
    described: Described

    def packages(self, tree: Tree, elsewhere: Sequence[BuiltPackage] = ()) -> Built:
        """
        Build the packages of *tree*, and say what came out.

        The bill of materials of the release, of which *elsewhere* are the packages that other hosts built, is
        left beside the first file.
        """
        meta, version = self._metadata, self.described["version"]
        with Shell(self.settings, self.host) as shell:
            built, made = self._made(self._machine(shell), tree, meta.release)
            digests = {_name(one["file"]): one["sha256"] for one in [built, *built["others"], *elsewhere]}
            content = bill(meta, version, self._origin, made[0], digests)
            shell.put(content, f"builds/{self.run}/out/{meta.name}/{BILL}")
        return built

    def alone(self, tree: Tree, architecture: str = "") -> Built:
        """Build the packages of *tree* and nothing beside them; with an *architecture* those for it alone."""
        own = [one for one in self._metadata.release if architecture in ("", one.architecture)]
        with Shell(self.settings, self.host) as shell:
            return self._made(self._machine(shell), tree, own)[0]

    @property
    def _metadata(self) -> Metadata:
        return metadata_of(self.described["metadata"])

    @property
    def _origin(self) -> Origin:
        return origin_of(self.project, self.commit, self.described)

    def _machine(self, shell: Shell) -> Run:
        return Run(shell, self.run, self.settings.package.timeout)

    def _made(
        self, machine: Run, tree: Tree, packages: Sequence[Metadata]
    ) -> tuple[Built, list[dict[str, str]]]:
        """Let *machine* build *packages*; return what came out, and what its script said of each."""
        section, version, started = self.settings.package, self.described["version"], _now()
        how = (section.driver, section.formats, section.lintian, tree.digest)
        origin = self._origin
        made = [machine.package(one, version, origin, *how) for one in packages]
        driver, digest = made[0]["driver"], made[0]["tree"]
        builder = Builder(
            *(self.host.name, driver, made[0].get("tool", ""), machine.name, started, _now()),
            architecture=packages[0].architecture,
            tree=digest,
        )
        first, *others = (_built(one, said) for one, said in zip(packages, made))
        return {
            **first,
            "driver": driver,
            "version": version,
            "tree": replace(tree, digest=digest).as_json(),
            "others": others,
            "builder": builder.as_json(),
        }, made


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


def bill(
    meta: Metadata, version: str, origin: Origin, said: Mapping[str, str], digests: Mapping[str, str]
) -> str:
    """
    Return the bill of materials, a JSON text, of the release of *meta* at *version*.

    *said* is what a host said when it built the first package, *digests* the sha256 of each of the release
    by the file's name.
    """
    locks = {key[len(LOCK) :]: answers.text(said[key]) for key in said if key.startswith(LOCK)}
    return _json(sbom.bill(meta, version, origin, digests, rfc3339(origin.time), locks))


def origin_of(project: Project, commit: str, described: Described) -> Origin:
    """Return where the package of *commit*, which is *described*, comes from."""
    trace = identifiers.trace_tag(project.repository, commit)
    return Origin(project.repository, commit, trace, int(described["time"]), project.name, project.directory)


def making(
    project: Project,
    commit: str,
    described: Described,
    builders: Sequence[StoredBuilder],
    reproduced: str = "",
) -> Making:
    """
    Return what provenance says of how the packages of *commit* were made, by *builders*.

    HostError when it is not what read_metadata *described*. *reproduced* is what a second build showed.
    """
    try:
        origin = origin_of(project, commit, described)
        makers = tuple(Builder(**one) for one in builders)
        return Making(origin, described["metadata"], makers, reproduced)
    except (KeyError, TypeError) as error:
        raise _incomplete(error) from None


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
        raise _incomplete(error) from None


def _incomplete(error: Exception) -> HostError:
    return HostError(f"The package's metadata is incomplete ({error}).", "Run read_metadata first.")


def _name(path: str) -> str:
    return path.rpartition("/")[2]
