"""How often systemd restarted the unit of a canary by itself, as its hosts report."""

from __future__ import annotations

import re
from typing import Sequence, Tuple

from cicd.analysis import judgement
from cicd.analysis.asked import Asked, Memory
from cicd.release.analysis import Counts, Observation
from cicd.release.analysis_policy import SYSTEMD
from cicd.release.host import ConsulHost
from cicd.release.host_report import SILENT

NUMBER = re.compile(r"[0-9]{1,9}")


def look(asked: Asked, memory: Memory) -> Tuple[Observation, Memory]:
    """Return how often units were restarted since they were started; a deploy starts them."""
    canary, silent = _counts(asked, asked.canary)
    baseline, _ = _counts(asked, asked.baseline)
    trouble = f"not known of {', '.join(silent[:5])}" if silent else ""
    return judgement.of_events(asked, SYSTEMD, canary, baseline, "restarts", trouble), memory


def _counts(asked: Asked, hosts: Sequence[ConsulHost]) -> Tuple[Counts, list[str]]:
    """Return the restarts, and which hosts report none: their cicd-converge is older, or has no unit."""
    said = {host.name: asked.reports.get(host.name, SILENT).restarts for host in hosts}
    known = {name: int(one) for name, one in said.items() if NUMBER.fullmatch(one)}
    return Counts(len(known), sum(known.values())), [name for name in said if name not in known]
