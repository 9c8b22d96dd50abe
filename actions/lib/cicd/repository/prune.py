"""Remove published versions that nobody needs any more."""

from __future__ import annotations

import time
from typing import List, Mapping, TypedDict

from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import CicdError, RepositoryError
from cicd.package.package_names import Names
from cicd.release.record import EVERYTHING
from cicd.repository.apt_index import Repository
from cicd.repository.forget import forget
from cicd.repository.publish import PUBLISH_TIMEOUT_SECONDS, index_arguments, repository_host, targets
from cicd.repository.retention import DAY_SECONDS, Choice, choose, recent
from cicd.store.store import Store


class Kept(TypedDict):
    """A version that stays, with all its packages, and why."""

    packages: List[str]
    version: str
    why: str


class AllPruned(TypedDict):
    """What was removed of all projects."""

    removed: List[str]


class Pruned(AllPruned):
    """What was removed, and what stays."""

    kept: List[Kept]


def choices(settings: Settings, project: Project) -> list[Choice]:
    """Return what becomes of each published version of *project*, newest first."""
    store, section = Store(settings), settings.repository
    since = time.time() - DAY_SECONDS * section.keep_days
    release = store.release(project.name)
    history = recent(store.changes(project.name).newest_first(), release, since)
    return choose(_entries(settings, project), release, history, section.keep_versions, since)


def _entries(settings: Settings, project: Project) -> list[Mapping[str, str]]:
    """Return *project*'s own index entries: several projects may be built from one repository."""
    names = Names(settings).of(project)
    return [
        entry
        for entry in Repository(settings, project).entries()
        if entry.get("Package") in names
        and entry.get("X-Git-Repository", "").lower() == project.repository.lower()
    ]


def prune_all(settings: Settings, dry_run: bool) -> AllPruned:
    """
    Prune every configured project; return the `removed` versions, each behind its project's name.

    A project that cannot be pruned keeps no other one from it; RepositoryError names it in the end.
    """
    removed: list[str] = []
    failed = [f"{name} ({error.message})" for name, error in sorted(settings.unusable.items())]
    if not dry_run:
        forget(settings, EVERYTHING)
    for name, project in settings.projects.items():
        try:
            removed += [f"{name} {version}" for version in prune(settings, project, dry_run)["removed"]]
        except CicdError as error:
            failed.append(f"{name} ({error.message})")
    if failed:
        known = len(settings.projects) + len(settings.unusable)
        raise RepositoryError(
            f"{len(failed)} of {known} projects were not pruned: {'; '.join(failed)}",
            "Nothing that is needed is lost: correct that, the next run removes the rest.",
            removed=removed,
        )
    return {"removed": removed}


def prune(settings: Settings, project: Project, dry_run: bool) -> Pruned:
    """
    Remove what no reason keeps, unless *dry_run*; return the `removed` and the `kept` versions with why.

    Their provenance stays, and their record in Consul for `consul.keep_history_days`: no other package
    takes their version. What Consul kept for longer is forgotten.
    """
    found = choices(settings, project)
    removed = [choice for choice in found if not choice.why]
    if removed and not dry_run:
        _remove(settings, project, removed)
    if not dry_run:
        forget(settings, project.name, {choice.version for choice in found if choice.why})
    kept = [Kept(packages=list(one.packages), version=one.version, why=one.why) for one in found if one.why]
    return {"removed": [choice.version for choice in removed], "kept": kept}


def _remove(settings: Settings, project: Project, removed: list[Choice]) -> None:
    arguments = index_arguments(settings, targets(settings, project), settings.component(project))
    arguments += [f"{package}={choice.version}" for choice in removed for package in choice.packages]
    with Shell(settings, repository_host(Store(settings), settings)) as shell:
        shell.script("prune_packages", arguments, PUBLISH_TIMEOUT_SECONDS)
