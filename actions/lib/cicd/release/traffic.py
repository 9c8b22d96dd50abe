"""Which share of the requests a canary gets, and which load balancers send it just that. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Dict, Iterable, Mapping, Optional, Sequence, Tuple, TypedDict, cast

from cicd.errors import InputError
from cicd.release.stored import StoredTraffic
from cicd.sanitize import one_line

BUCKETS_A_PERCENT = 100  # of the 10,000 into which load balancers put whoever asks
EVEN = "even"
SHARE = re.compile(r"(?:100(?:\.0)?|[0-9]{1,2}(?:\.[0-9])?)\Z")
REPORTS = "cicd/.traffic/applied/"
UNREADABLE = "its report in Consul is unreadable; cicd-traffic writes it again when it is restarted"


@dataclass(frozen=True)
class Traffic:
    """
    What somebody, or the ring's steps, wanted for its hosts since the record's `generation`.

    `share` is a percentage, None as for any other host. `by_steps` is true while the ring's own steps decide,
    and nobody has taken over; `since` is in epoch seconds.
    """

    generation: int
    share: float | None
    since: float
    by_steps: bool = False


class AppliedShare(TypedDict):
    """What a load balancer has of one project: `buckets` of 10,000, or None."""

    buckets: Optional[int]
    generation: int


class Report(TypedDict, total=False):
    """What a load balancer's host reported last: the shares by project, or what is wrong."""

    applied: Dict[str, AppliedShare]
    error: str
    agent: str
    at: float


Reports = Mapping[str, Report]  # by node
Values = Iterable[Tuple[str, Optional[bytes]]]  # of keys in Consul


def begun(
    known: Traffic | None, steps: Sequence[float], backward: bool, generation: int, when: float
) -> Traffic | None:
    """
    Return what follows for a ring that wants something else since *generation*, after what was *known*.

    A share is of one version. With *steps* the next one begins with nothing, and so does one that goes back
    after anybody wanted a share. Otherwise its hosts are as any other again.
    """
    if steps or (known and backward):
        return Traffic(generation, 0.0, when, by_steps=bool(steps) and not backward)
    return Traffic(generation, None, when) if known else None


def parse(text: str) -> float | None:
    """Return the percentage written as *text*, None for `even`; InputError when it is neither."""
    if text == EVEN:
        return None
    if not SHARE.match(text):
        raise InputError(
            f"{one_line(text, 40)!r} is not a share of the requests.",
            "Give a percentage from 0 to 100 in steps of 0.1, or `even`.",
        )
    return float(text)


def text(share: float | None) -> str:
    """Return the *share* as `parse` reads it."""
    return EVEN if share is None else f"{share:g}"


def told(share: float | None) -> str:
    """Return the *share* in words."""
    return f"{share:g} % of the requests" if share is not None else "as many requests as any other host"


def key(project: str) -> str:
    """Return where load balancers read which share the canary of *project* is to get."""
    return f"cicd/.traffic/wanted/{project}"


def wanted(known: Traffic) -> AppliedShare:
    """Return what load balancers read of what is *known*."""
    share = known.share
    buckets = None if share is None else round(share * BUCKETS_A_PERCENT)
    return {"buckets": buckets, "generation": known.generation}


def reports(values: Values) -> Reports:
    """Return the reports among *values*; of one that is unreadable, an error that says so."""
    nodes = ((key[len(REPORTS) :], value) for key, value in values if key.startswith(REPORTS))
    return {node: found for node, value in nodes if node and (found := _report(value))}


def shared(values: Values) -> set[str]:
    """Return the projects whose canary gets a share by *values* that load balancers read, or may get one."""
    return {key.rpartition("/")[2] for key, value in values if _is_share(value)}


def late(reports: Reports, project: str, known: Traffic) -> list[str]:
    """Return of each load balancer that has not applied what is *known* a sentence that names it."""
    found = []
    for node, report in sorted(reports.items()):
        if (report.get("applied") or {}).get(project) != wanted(known):
            why = one_line(str(report.get("error") or ""), 200) or "it has not followed yet"
            found.append(f"{one_line(node, 100)} has not applied it: {why}")
    return found


def _report(value: bytes | None) -> Report:
    try:
        data = dict(json.loads(value or b""))
        applied = dict(data.get("applied") or {})
        return cast(Report, {**data, "applied": applied} if data else {})
    except (RecursionError, TypeError, ValueError):
        return {"error": UNREADABLE}


def _is_share(value: bytes | None) -> bool:
    try:
        return bool(dict(json.loads(value or b"")).get("buckets"))
    except (RecursionError, TypeError, ValueError):
        return True


def from_json(data: StoredTraffic | None) -> Traffic | None:
    """Return what is stored as *data*; None where there is nothing, as in records of before."""
    if not data:
        return None
    share = data["share"]
    return Traffic(
        generation=int(data["generation"]),
        share=None if share is None else float(share),
        since=float(data["since"]),
        by_steps=bool(data["by_steps"]),
    )
