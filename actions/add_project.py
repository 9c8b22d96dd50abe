"""Add a project everywhere that it needs something, or show what that would be."""

from __future__ import annotations

import os
from typing import Any, Mapping

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.onboarding import membership, wanted
from cicd.onboarding.adding import Addition
from cicd.onboarding.wanted import Request


class AddProject(CicdAction):
    def act(
        self,
        settings: Settings,
        project: str,
        more: Mapping[str, Any],
        hosts: Mapping[str, Any],
        like: str,
        port: int,
        health: str,
        unit: str,
        apply: bool,
        user: str,
        **keys: str,
    ) -> dict[str, Any]:
        definition = {**{name: value for name, value in keys.items() if value}, **more}
        on = hosts or (membership.by_ring(settings, like) if like else {})
        request = Request(definition=definition, hosts=dict(on), port=port, health=health, unit=unit)
        execution = os.environ.get("ST2_ACTION_EXECUTION_ID", "")
        addition = Addition(wanted.parse(self.config, project, request), self.config, user, execution)
        plan = addition.make() if apply else addition.plan()
        lines = [
            *plan.lines("made" if apply else "would be made"),
            *(f"still to come: {one.what}: {one.said}" for one in addition.to_do),
        ]
        return {
            "message": "\n".join([_headline(project, apply, bool(plan.change)), *lines]),
            "project": project,
            "changed": [item.what for item in plan.change] if apply else [],
            "left": [item.what for item in plan.left],
        }


def _headline(project: str, apply: bool, changes: bool) -> str:
    if not changes:
        return f"{project} has all that it needs; nothing was changed."
    if apply:
        return f"{project} is added. What comes next is a push to its repository."
    return f"{project} was not added yet. If this is what you want, call it again with apply=true."
