"""What hosts read of projects that no change wrote: a window opened, everything was held, somebody erred."""

from __future__ import annotations

from typing import Iterator

from cicd.config import Settings
from cicd.deploy.lost_deploys import Event
from cicd.store.store import Store

TRIGGER = "cicd.refresh_due"


def find(settings: Settings, store: Store) -> Iterator[Event]:
    """Yield one trigger with the `projects` whose documents are to be written again, if there are any."""
    stale = [name for name in settings.projects if store.is_stale(name)]
    if stale:
        yield TRIGGER, {"projects": stale}
