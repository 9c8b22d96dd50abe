"""What a source of figures is asked, and what it answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Mapping, Sequence, Tuple

from cicd.release.analysis import Observation
from cicd.release.analysis_policy import AnalysisPolicy
from cicd.release.host import ConsulHost
from cicd.release.host_report import Reports
from cicd.sections import MonitoringSettings

# What a source remembers from look to look, as plain data; each has its own shape.
Memory = Mapping[str, object]


@dataclass(frozen=True)
class Asked:
    """
    One look at a canary: its hosts, those outside it, and what is known of both.

    `look` is its number; the one of number 0 is taken right after the deploy, and only remembers. What came
    after `began` counts (epoch seconds, as is `now`).
    """

    project: str
    policy: AnalysisPolicy
    monitoring: MonitoringSettings
    canary: Sequence[ConsulHost]
    baseline: Sequence[ConsulHost]
    reports: Reports
    look: int
    began: float
    now: float


# It remembers what it is given back the next time.
Source = Callable[[Asked, Memory], Tuple[Observation, Memory]]
