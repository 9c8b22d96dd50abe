"""Say what was published of a project, where it runs, and what can be deployed."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.package.package_names import Names
from cicd.reports import versions
from cicd.repository.apt_index import Repository
from cicd.repository.package_records import Ledger


class ListVersions(CicdAction):
    def act(self, settings: Settings, project: str, last: int) -> dict[str, Any]:
        found, ledger = settings.project(project), Ledger(settings)
        entries, packages = Repository(settings, found).entries(), Names(settings).of(found)
        commits = versions.of_project(entries, packages, found.name, found.repository)
        records = ledger.records(found.name).several(sorted(commits))
        release = ledger.release(found.name)
        listed = versions.listed(commits, records, release, last)
        return {"versions": listed, "message": versions.message(release, listed, len(commits), records)}
