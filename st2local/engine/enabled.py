"""Which resources take effect: as their files say, or a later order."""

from __future__ import annotations

from dataclasses import dataclass

from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.database import Database


@dataclass
class Enabled:
    """Reads and keeps what is switched on."""

    _database: Database
    _registry: Registry

    def has(self, resource: Resource) -> bool:
        """Tell whether a resource takes effect."""
        ordered = self._database.value("SELECT enabled FROM enabled WHERE uid = ?", [resource.uid])
        return resource.enabled if ordered is None else bool(ordered)

    def all(self, kind: str) -> list[Resource]:
        """Return the resources of a kind that take effect, by ref."""
        return [one for one in self._registry.all(kind) if self.has(one)]

    def set(self, resource: Resource, enabled: bool) -> None:
        """Keep whether a resource takes effect."""
        self._database.insert("enabled", {"uid": resource.uid, "enabled": int(enabled)})
