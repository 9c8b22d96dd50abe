"""When nothing is promoted, by the configuration and by what people wrote in Consul. Pure."""

from __future__ import annotations

from cicd.clients.consul import Items, text
from cicd.config import Project, Settings
from cicd.release import freeze_windows
from cicd.release.freeze_windows import Opened, Window
from cicd.release.record import EVERYTHING


def opened(settings: Settings, project: Project, items: Items, now: float) -> dict[str, Opened]:
    """Return the freeze window that is open on each ring; those of all rings do not concern the first."""
    general = _general(settings, project, items)
    found = {
        stage.name: freeze_windows.opened([*stage.freeze_windows, *(general if stage.after else ())], now)
        for stage in project.lifecycle.stages
    }
    return {name: window for name, window in found.items() if window}


def _general(settings: Settings, project: Project, items: Items) -> list[Window]:
    found = [*settings.freeze_windows, *project.freeze_windows]
    for name in (EVERYTHING, project.name):
        key = f"cicd/{name}/freeze_windows"
        said = text(items, key)
        found += freeze_windows.parse_text(said, key) if said else ()
    return found
