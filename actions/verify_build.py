"""Step 5: read a build again from Jenkins, and claim its success for packaging."""

from __future__ import annotations

import time
from typing import Any

from cicd import fields
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.consul import Store
from cicd.jenkins import Jenkins, verify


class VerifyBuild(CicdAction):
    def act(self, settings: Settings, project: str, commit: str, build: int) -> dict[str, Any]:
        found = settings.project(project)
        result = verify(Jenkins(settings).of_commit(found, commit, build), found, commit)
        passed = {"stage": "passed", "build": result.number, "at": time.time()}
        first = Store(settings).advance(found.name, commit, {None, "accepted", "building"}, passed)
        return {
            "proceed": first,
            "seconds": result.seconds,
            "url": result.url,
            "trace": fields.trace_tag(found.repository, commit),
            "message": f"{project} {commit[:7]} passed CI as {found.job} #{result.number}"
            + ("" if first else ", which was known already"),
        }
