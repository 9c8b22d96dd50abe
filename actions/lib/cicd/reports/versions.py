"""What was published of a project, where each version runs, and whether it can be deployed. Pure."""

from __future__ import annotations

from typing import Container, Iterable, List, Mapping, Sequence, TypedDict

from cicd.errors import Refused
from cicd.release import guards
from cicd.release.record import Release
from cicd.release.version import is_own, package_name
from cicd.repository.package_records import StoredPackage


class Version(TypedDict):
    """
    A published version: its commit, when it was published (UTC, empty when nobody recorded that).

    `rings` want it, `good` on those where the last deploy that ended well was of it. `held` says why it
    cannot be deployed; empty when it can.
    """

    version: str
    commit: str
    published_at: str
    rings: List[str]
    good: List[str]
    held: str


def of_project(
    entries: Iterable[Mapping[str, str]], packages: Container[str], project: str, repository: str
) -> dict[str, str]:
    """Return the commit of each version that the index has of the *packages* of *project*, by version."""
    return {
        entry["Version"]: entry.get("X-Git-Commit", "")
        for entry in entries
        if entry.get("Package") in packages
        and is_own(project, repository, entry["Package"], entry.get("X-CICD-Trace", ""))
    }


def listed(
    commits: Mapping[str, str], records: Iterable[StoredPackage], release: Release, last: int
) -> list[Version]:
    """Return the *last* versions of *commits* that were published, newest first; what runs is among them."""
    published = {known["version"]: known["published_at"] for known in records}
    order = sorted(commits, key=lambda version: published.get(version, ""), reverse=True)
    every = [_version(release, one, commits[one], published.get(one, "")) for one in order]
    return [one for number, one in enumerate(every) if number < last or one["rings"] or one["good"]]


def _version(release: Release, version: str, commit: str, published_at: str) -> Version:
    wanted = {name: release.ring(name).wanted for name in release.lifecycle.names}
    good = {name: release.ring(name).last_good for name in release.lifecycle.names}
    veto = release.holds.vetoes.get(version)
    return {
        "version": version,
        "commit": commit,
        "published_at": published_at,
        "rings": [name for name, build in wanted.items() if build and build.version == version],
        "good": [name for name, build in good.items() if build and build.version == version],
        "held": f"vetoed by {veto.who}: {veto.why}" if veto else "",
    }


def message(
    release: Release, found: Sequence[Version], total: int, records: Iterable[StoredPackage] = ()
) -> str:
    """Return *found*, of *total* versions, a line each, and how to deploy one; *records* name packages."""
    project = release.project
    if not found:
        return f"No version of {project} is in the package repository yet."
    more = f"{len(found)} of {total} versions of {project}, newest first:"
    free = [one["version"] for one in found if not one["held"]]
    named = {known["version"]: known["package"] for known in records if known.get("package")}
    how = [_next_step(release, one, named.get(one, "")) for one in free[:1]]
    return "\n".join([more, *(f"- {_line(one)}" for one in found), *how])


def _next_step(release: Release, version: str, package: str) -> str:
    """Return how to deploy *version*, or what is to be over before."""
    try:
        guards.refuse_deploy(release, version)
    except Refused as refusal:
        return f"{refusal.message} {refusal.hint}"
    return f"To deploy one: {_deploying(release, version, package)}"


def _deploying(release: Release, version: str, package: str) -> str:
    """Return how to deploy *version*; a *package* that is not called after the project must be named."""
    command = f"st2 run cicd.deploy project={release.project} version={version}"
    named = package not in ("", package_name(release.project))
    return f"{command} package={package}" if named else command


def _line(one: Version) -> str:
    where = [f"on {', '.join(one['rings'])}"] if one["rings"] else []
    only_good = [ring for ring in one["good"] if ring not in one["rings"]]
    where += [f"last good on {', '.join(only_good)}"] if only_good else []
    said = "; ".join([*where, *filter(None, [one["held"]])])
    return "  ".join(filter(None, [one["version"], one["published_at"], said]))
