"""Let one host bring itself to what its ring is wanted to run, as its own timer would."""

from __future__ import annotations

from typing import Any

from cicd.action import CicdAction
from cicd.config import Settings
from cicd.fleet import drift_monitor
from cicd.release.host_report import as_json


class ConvergeHost(CicdAction):
    def act(self, settings: Settings, project: str, host: str) -> dict[str, Any]:
        report = drift_monitor.converge(settings, settings.project(project), host)
        return {"report": as_json(report), "message": f"{host}: {report.state}: {report.message}"}
