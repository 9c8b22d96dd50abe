"""Step 18: advertise to a ring the version that is proven on those before it."""

from __future__ import annotations

from typing import Any

from cicd.action import TimedStep
from cicd.config import Settings
from cicd.deploy.deploy import Deploy
from cicd.release.lifecycle import BY_ITSELF


class PromoteCanary(TimedStep):
    def act(
        self, settings: Settings, project: str, ring: str, user: str, plan: str, due: int, expected: str = ""
    ) -> dict[str, Any]:
        after = Deploy(settings, project, user).promote(ring, plan, due, expected)
        self.follow(after, ring)
        changed = after.ring(ring)
        assert changed.wanted is not None
        previous = changed.last_good.version if changed.last_good else ""
        return {
            "ring": ring,
            "generation": changed.generation,
            "version": changed.wanted.version,
            "previous": previous,
            "trace": changed.wanted.trace,
            "by_itself": bool(due),
            "message": f"{project} {changed.wanted.version} is advertised to {ring}"
            f"{f', {BY_ITSELF}' if due else ''} (before: {previous or 'nothing'})",
        }
