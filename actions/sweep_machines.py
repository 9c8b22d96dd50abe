"""Finish or destroy machines that a killed workflow left, or that nothing is written down of."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.provisioning.sweeping import swept


class SweepMachines(CicdAction):
    def act(self, settings: Settings) -> dict[str, Any]:
        found = swept(settings)
        if found.failed:
            raise found.failed[0]
        return {"done": found.done, "message": "; ".join(found.done) or "nothing was left of any machine"}
