"""Say what can be said in chat, by topic."""

from __future__ import annotations

from typing import Mapping

from cicd import phrases
from cicd.action import CicdAction
from cicd.config import Settings


class ShowHelp(CicdAction):
    def act(self, settings: Settings) -> Mapping[str, object]:
        return {"message": phrases.help_text()}
