"""Which build host builds a release for which architecture."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Collection, Mapping, Sequence

from cicd.clients import connection
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import CicdError, Refused
from cicd.package import build
from cicd.package.build import Described
from cicd.package.build_hosts import ARCHITECTURE_TAG, Builders
from cicd.package.metadata import Metadata
from cicd.release.host import Host

FIX = (
    "Take the tag away; or, when that host builds for others than its own architecture, declare it there: "
    "`dpkg --add-architecture {architecture}`."
)


def settle(
    settings: Settings, host: Host, run: str, project: Project, commit: str, described: Described
) -> tuple[Host, Described]:
    """
    Return the host that goes on with *run*, and what it builds, *described* for one of its architectures.

    It is *host*, to which *run* fetched *commit*, or another one that carries the tag of an architecture
    when that one carries none. Refused when an architecture has no build host, or no place in the
    repository.
    """
    meta = build.metadata_of(described["metadata"])
    if not meta.architectures:
        return host, described
    builders = Builders(settings)
    tagged = builders.architectures()
    what = f"{project.name} at {commit[:7]}"
    refuse_missing(what, meta.architectures, tagged, settings.repository.architectures)
    own = [one for one in meta.architectures if one in tagged.get(host.name, ())]
    if not own:
        own = [meta.architectures[0]]
        host = _moved(settings, builders, host, run, project, commit, own[0])
    else:
        _refuse_undeclared(settings, host, own[0])
    return host, of_architecture(described, meta, own[0])


def of_architecture(described: Described, meta: Metadata, architecture: str) -> Described:
    """Return *described*, of which *meta* is the metadata, as what is built for *architecture*."""
    return {**described, "metadata": asdict(meta.built_for(architecture))}


def refuse_missing(
    what: str, wanted: Sequence[str], tagged: Mapping[str, Collection[str]], carried: Collection[str]
) -> None:
    """
    Raise Refused, naming *what* is built, when one of the *wanted* architectures cannot be had.

    *tagged* are the architectures of each build host, *carried* those of the repository.
    """
    missing = [one for one in wanted if not any(one in names for names in tagged.values())]
    if missing:
        tags = ", ".join(ARCHITECTURE_TAG + one for one in missing)
        raise Refused(
            f"{what} is built for {', '.join(missing)}, and no healthy build host carries the tag {tags} "
            "in Consul; nothing was built.",
            "Give the tag to a build host that builds for it (docs/packages.md says how), or take it out of "
            "`architectures` in fpm.json.",
        )
    foreign = [one for one in wanted if one not in carried]
    if foreign:
        raise Refused(
            f"{what} is built for {', '.join(foreign)}, which the repository does not carry; nothing was "
            "built.",
            "Add it to the repository and to `repository.architectures` in the configuration, or take it out "
            "of `architectures` in fpm.json.",
        )


def refuse_undeclared(shell: Shell, architecture: str, seconds: int) -> None:
    """Raise HostError when the host of *shell* does not say itself that it builds for *architecture*."""
    known = shell.script("read_architectures", [], seconds).split()
    if architecture not in known:
        said = f"carries the tag {ARCHITECTURE_TAG}{architecture}, but its dpkg is {' and '.join(known)}"
        raise connection.failure(shell.host, said, FIX.format(architecture=architecture))


def _refuse_undeclared(settings: Settings, host: Host, architecture: str) -> None:
    with Shell(settings, host) as shell:
        refuse_undeclared(shell, architecture, settings.package.timeout)


def _moved(
    settings: Settings,
    builders: Builders,
    host: Host,
    run: str,
    project: Project,
    commit: str,
    architecture: str,
) -> Host:
    """Let another host fetch *commit*, one for *architecture*, and *host* keep nothing of *run*."""
    other = builders.take(run, commit, architecture=architecture)
    try:
        _refuse_undeclared(settings, other, architecture)
        build.fetch_commit(settings, other, run, project, commit)
    except CicdError:
        _leave(settings, builders, other, run)
        raise
    _leave(settings, builders, host, run)
    return other


def _leave(settings: Settings, builders: Builders, host: Host, run: str) -> None:
    builders.give_back(run, host.name)
    with suppress(CicdError):
        build.clean(settings, host, run)
