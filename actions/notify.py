"""Tell the targets of `notices` what became of a project's runs and deploys."""

from __future__ import annotations

from typing import Mapping

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.reports import notifier
from cicd.store.store import Store


class Notify(CicdAction):
    def act(self, settings: Settings, project: str) -> Mapping[str, object]:
        done = notifier.notify(settings, Store(settings), project)
        problems = [f"{name}: {one['problem']}" for name, one in done["targets"].items() if one["problem"]]
        said = f"{project}: {done['told']} notices sent, {done['left']} left"
        return {**done, "message": " ".join([said, *(f"({problem})" for problem in problems)])}
