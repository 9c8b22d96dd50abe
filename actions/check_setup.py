"""Try every connection and permission that the pack needs, and say what is wrong and how to correct it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cicd.action import CicdAction
from cicd.clients.stackstorm import StackStorm
from cicd.config import Settings
from cicd.errors import ConfigError
from cicd.finding import WRONG
from cicd.setup import checkup


class CheckSetup(CicdAction):
    def act(self, settings: Settings, project: str) -> dict[str, Any]:
        projects = [settings.project(project)] if project else list(settings.projects.values())
        findings = checkup.Checkup(settings, projects, self.config, StackStorm()).findings()
        wrong = sum(finding.state == WRONG for finding in findings)
        found = {"findings": [asdict(finding) for finding in findings], "message": checkup.text(findings)}
        if wrong:
            counted = f"{wrong} of {len(findings)} checks found something wrong."
            error = ConfigError(counted, "Each line with WRONG says how to correct it.")
            error.details = {**found}
            raise error
        return found
