"""Sign the repository's indexes anew before clients refuse them as too old."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.repository.renewal import renew


class RenewIndex(CicdAction):
    def act(self, settings: Settings) -> dict[str, Any]:
        done = renew(settings)
        renewed = ", ".join(done["renewed"])
        return {**done, "message": f"signed again: {renewed}" if renewed else "no index is due yet"}
