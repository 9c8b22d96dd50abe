"""How the canary of a ring is judged, and what a promotion makes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Tuple

from cicd.release.verdict import Rule

HAPROXY, PROMETHEUS, CONSUL, SYSTEMD, HTTP = SOURCES = ("haproxy", "prometheus", "consul", "systemd", "http")
WAIT, ASK, REFUSE = "wait", "ask", "refuse"
SHORTEST_SECONDS = 60  # over which looks are spread where a ring does not bake


@dataclass(frozen=True)
class AnalysisPolicy:
    """
    The configuration's `analysis` of one ring; without `sources` there is none.

    `margin` is a share, `limit` the seconds over which the `looks` are spread (0 is the ring's bake),
    `slow_ms` the milliseconds from which a request is slow (0 is never). `queries` are Prometheus', by what
    they count. Hosts are asked for `path` over HTTP, and answer with `status`.
    """

    sources: Tuple[str, ...] = ()
    margin: float = Rule.margin
    slow_ms: int = 0
    looks: int = Rule.looks
    required: bool = True
    inconclusive: str = ASK
    limit: int = 0
    queries: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    status: int = 200

    @property
    def rule(self) -> Rule:
        """The rule by which each source is judged."""
        return Rule(self.margin, self.looks)

    def seconds(self, bake: int) -> int:
        """Return over how many seconds the looks are spread on a ring that bakes *bake* seconds."""
        return self.limit or max(bake, SHORTEST_SECONDS)


NO_ANALYSIS = AnalysisPolicy()
