"""The hosts that a deploy may count on, as Consul knows them at this moment."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from cicd import identifiers
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.release import ring
from cicd.release.record import DEGRADED, HEALTHY, RINGS
from cicd.release.ring import Host
from cicd.store.store import Store


class Membership:
    """Who belongs to which ring of one project, as Consul answered once."""

    def __init__(self, settings: Settings, store: Store, project: Project) -> None:
        self._settings = settings
        self._project = project
        self._canary_tag = settings.canary_tag(project)
        self._entries = store.health(project)
        self._known = store.release(project.name)

    def of(self, ring_name: str, reachable_only: bool = False) -> list[Host]:
        """Return the ring's hosts; refused when there is none or, unless *reachable_only*, one is down."""
        return ring.members(
            self._entries,
            self._project.name,
            identifiers.check("ring", ring_name),
            self._canary_tag,
            reachable_only,
            self._known.holds.excluded,
            str(self._settings.discovery["zone_meta"]),
        )

    def fit(self, ring_name: str) -> list[Host]:
        """
        Return the ring's hosts when a deploy to them may begin.

        Refused when too many hosts are canaries, when a host of a ring whose last deploy ended well is
        not healthy, and when none may leave traffic without the capacity falling below its minimum.
        """
        hosts, name = self.of(ring_name), self._project.name
        ring.refuse_crowd(self._entries, name, self._canary_tag, str(self._settings.deploy["max_canaries"]))
        if self._known.ring(ring_name).state in (HEALTHY, DEGRADED):
            ring.refuse_sick(self._entries, name, hosts)
        self._refuse_cramped(ring_name, hosts)
        return hosts

    def room(self, ring_name: str, hosts: Sequence[Host]) -> list[Host]:
        """
        Return those of *hosts* that may leave traffic now, for a deploy to *ring_name*.

        A ring that was never wanted to run anything serves nobody, so its hosts do not count.
        """
        minimum, zone_meta = self._settings.deploy["min_healthy"], self._settings.discovery["zone_meta"]
        return ring.capacity(self._counted(ring_name), str(minimum), str(zone_meta)).room(hosts)

    def _counted(self, ring_name: str) -> list[Mapping[str, Any]]:
        used = {name for name in RINGS if name == ring_name or self._known.ring(name).wanted}
        return [entry for entry in self._entries if ring.name_of(entry, self._canary_tag) in used]

    def _refuse_cramped(self, ring_name: str, hosts: Sequence[Host]) -> None:
        if not self.room(ring_name, hosts):
            raise Refused(
                f"Too few of {self._project.name}'s {len(self._counted(ring_name))} hosts are healthy to "
                f"take one out of traffic (`deploy.min_healthy` is {self._settings.deploy['min_healthy']}).",
                "Add or repair hosts, or lower it, then deploy again.",
            )


def rings(settings: Settings, entries: Sequence[Mapping[str, Any]], project: Project) -> dict[str, str]:
    """Return the ring of each host of *project* in Consul's health *entries*, healthy or not."""
    tag = settings.canary_tag(project)
    return {entry["Node"]["Node"]: ring.name_of(entry, tag) for entry in entries}
