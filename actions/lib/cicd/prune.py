"""Remove published versions that nobody needs any more."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from cicd.config import Project, Settings
from cicd.consul import Store
from cicd.publish import PUBLISH_TIMEOUT_SECONDS, repository_host, targets
from cicd.repository import Repository
from cicd.retention import DAY_SECONDS, Choice, choose
from cicd.ssh import Shell


def choices(settings: Settings, project: Project) -> list[Choice]:
    """Return what becomes of each published version of *project*, newest first."""
    store, section = Store(settings), settings.repository
    entries = [
        entry
        for entry in Repository(settings, project).entries()
        if entry.get("X-Git-Repository", "").lower() == project.repository.lower()
    ]
    return choose(
        entries,
        store.release(project.name),
        store.below(f"cicd/{project.name}/history/").values(),
        int(section["keep_versions"]),
        time.time() - DAY_SECONDS * int(section["keep_days"]),
    )


def prune(settings: Settings, project: Project, dry_run: bool) -> dict[str, Any]:
    """
    Remove what no reason keeps, unless *dry_run*; return the `removed` and the `kept` versions with why.

    Their provenance stays, and their record in Consul: no other package ever takes their version.
    """
    found = choices(settings, project)
    removed = [choice for choice in found if not choice.why]
    if removed and not dry_run:
        _remove(settings, project, removed)
    kept = [asdict(choice) for choice in found if choice.why]
    return {"removed": [choice.version for choice in removed], "kept": kept}


def _remove(settings: Settings, project: Project, removed: list[Choice]) -> None:
    section = settings.repository
    arguments = [str(section["driver"]), str(section["config_file"]), str(section["gpg_key"])]
    arguments += [" ".join(targets(settings, project)), settings.component(project)]
    arguments += [f"{choice.package}={choice.version}" for choice in removed]
    with Shell(settings, repository_host(Store(settings), settings)) as shell:
        shell.script("prune_packages", arguments, PUBLISH_TIMEOUT_SECONDS)
