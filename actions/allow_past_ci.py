"""Let a commit be packaged although CI did not pass it: for a role, with a reason."""

from __future__ import annotations

from typing import Any

from cicd import access, identifiers
from cicd.action import CicdAction
from cicd.ci.ci_gate import let_past
from cicd.config import Settings


class AllowPastCi(CicdAction):
    def act(
        self, settings: Settings, project: str, commit: str, role: str, reason: str, user: str
    ) -> dict[str, Any]:
        access.refuse(settings.access, "publish_package", user)
        known = settings.project(project)
        let_past(settings, known, commit, role, reason, user)
        return {
            "trace": identifiers.trace_tag(known.repository, commit),
            "message": f"BREAK GLASS: {user}, as {role}, lets {project} {commit[:7]} be packaged past CI: "
            f"{reason}",
        }
