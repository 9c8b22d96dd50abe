"""A release as Consul keeps it: the shapes of its parts, of which earlier packs wrote fewer fields."""

from __future__ import annotations

from typing import Dict, List, Optional, TypedDict


class StoredStop(TypedDict, total=False):
    """See stop.Stop."""

    step: str
    why: str
    hint: str
    log: str
    execution: str
    when: float
    version: str
    back: str


class StoredSibling(TypedDict):
    """See record.Sibling."""

    package: str
    sha256: str


class StoredBuild(TypedDict, total=False):
    """See record.Build; before there were several `authors` there was one, or nobody."""

    version: str
    package: str
    commit: str
    sha256: str
    trace: str
    authors: List[str]
    author: str
    siblings: List[StoredSibling]


class StoredCounts(TypedDict):
    """See analysis.Counts."""

    requests: int
    failures: int
    slow: Optional[int]


class StoredObservation(TypedDict):
    """See analysis.Observation."""

    source: str
    outcome: str
    reason: str
    when: float
    canary: StoredCounts
    baseline: StoredCounts


class StoredAnalysis(TypedDict):
    """See analysis.Analysis."""

    generation: int
    outcome: str
    reason: str
    looks: int
    planned: int
    began: float
    when: float
    observations: List[StoredObservation]


class StoredTraffic(TypedDict):
    """See traffic.Traffic."""

    generation: int
    share: Optional[float]
    since: float
    by_steps: bool


class StoredRing(TypedDict, total=False):
    """See record.Ring, where STORED names its fields; `left` is what production was rolled back from."""

    state: str
    wanted: Optional[StoredBuild]
    good: Optional[StoredBuild]
    earlier: Optional[StoredBuild]
    generation: int
    since: float
    exempt: bool
    backward: bool
    tries: int
    stop: Optional[StoredStop]
    analysis: Optional[StoredAnalysis]
    traffic: Optional[StoredTraffic]
    left: str


class StoredHold(TypedDict, total=False):
    """See holds.Hold."""

    who: str
    why: str
    since: float
    version: str


class StoredHolds(TypedDict, total=False):
    """See holds.Holds; `vetoes` are by version, `excluded` by host."""

    lock: Optional[StoredHold]
    freeze: Optional[StoredHold]
    pin: Optional[StoredHold]
    vetoes: Dict[str, StoredHold]
    excluded: Dict[str, StoredHold]


class StoredReview(TypedDict):
    """See approvals.Review."""

    approves: bool
    why: str
    when: float


class StoredHistory(TypedDict):
    """See record.NewHistory."""

    version: str
    older: List[str]


class StoredRelease(TypedDict, total=False):
    """See record.Release; `rings` are those but the pair of before, `reviews` are by version and person."""

    project: str
    generation: int
    canary: StoredRing
    production: StoredRing
    rings: Dict[str, StoredRing]
    holds: Optional[StoredHolds]
    reviews: Dict[str, Dict[str, StoredReview]]
    rolled_back: List[str]
    new_history: Optional[StoredHistory]


# One change as it is stored: `from` and `to` are versions, `when` is in epoch seconds.
HistoryEntry = TypedDict(
    "HistoryEntry",
    {
        "who": str,
        "why": str,
        "when": float,
        "execution": str,
        "trace": Optional[str],
        "generation": int,
        "project": str,
        "what": str,
        "ring": str,
        "from": Optional[str],
        "to": Optional[str],
        "cancelled": List[str],
        "state": str,
        "stop": Optional[StoredStop],
        "analysis": StoredAnalysis,
        "id": str,
    },
    total=False,  # entries of earlier packs lack some
)
