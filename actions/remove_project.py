"""Remove a project from everywhere that it has something, or show what that would be."""

from __future__ import annotations

import os
from typing import Any

from cicd import identifiers
from cicd.action import CicdAction
from cicd.config import Settings
from cicd.onboarding.removing import Removal

KEPT = (
    "stays: its published packages and the names that they have, its repository, "
    "and what was said of it at GitHub and in the log of events"
)
INSTALLED = "stays: what hosts have installed of it, which goes on running; uninstall=true removes that"


class RemoveProject(CicdAction):
    def act(
        self,
        settings: Settings,
        project: str,
        serving: bool,
        keep_history: bool,
        uninstall: bool,
        apply: bool,
        user: str,
    ) -> dict[str, Any]:
        name = identifiers.check("project", project)
        execution = os.environ.get("ST2_ACTION_EXECUTION_ID", "")
        removal = Removal(settings, self.config, name, user, execution, serving, keep_history, uninstall)
        plan = removal.remove() if apply else removal.plan()
        lines = plan.lines("removed" if apply else "would be removed")
        return {
            "message": "\n".join([_headline(name, apply), *lines, *([] if uninstall else [INSTALLED]), KEPT]),
            "project": name,
            "changed": [item.what for item in plan.change] if apply else [],
            "left": [item.what for item in plan.left],
        }


def _headline(project: str, apply: bool) -> str:
    if apply:
        return f"{project} is removed."
    return f"{project} was not removed yet. If this is what you want, call it again with apply=true."
