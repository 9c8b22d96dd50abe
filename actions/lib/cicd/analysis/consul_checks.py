"""Whether the health checks of a canary flap: Consul's own account of how often each changed."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Tuple, TypedDict, cast

from cicd.analysis import judgement
from cicd.analysis.asked import Asked, Memory
from cicd.release.analysis import Counts, Observation
from cicd.release.analysis_policy import CONSUL
from cicd.release.host import ConsulHost


class Remembered(TypedDict, total=False):
    """How each check was at the last look, by `host/check`, and how often those of each host fell."""

    checks: Dict[str, List[object]]
    falls: Dict[str, int]


def look(asked: Asked, memory: Memory) -> Tuple[Observation, Memory]:
    """Return how often checks stopped to pass since the look of number 0, and what to remember."""
    known = cast(Remembered, memory)
    before, falls = known.get("checks", {}), dict(known.get("falls", {}))
    checks: Dict[str, List[object]] = {}
    for host in (*asked.canary, *asked.baseline):
        for check in host.checks:
            key = f"{host.name}/{check.id}"
            checks[key] = [check.index, check.status, check.said]
            falls[host.name] = falls.get(host.name, 0) + fell(before.get(key), checks[key])
    canary, baseline = _counts(falls, asked.canary), _counts(falls, asked.baseline)
    found = judgement.of_events(asked, CONSUL, canary, baseline, "falls of health checks")
    return found, {"checks": checks, "falls": falls}


def fell(before: Sequence[object] | None, now: Sequence[object]) -> int:
    """
    Return 1 when a check fell between two looks, else 0; each is its index, its status and what it said.

    One that passes as before, saying the same, but was written anew has failed meanwhile.
    """
    if before is None:
        return 0
    is_passing, passed = now[1] == "passing", before[1] == "passing"
    flapped = is_passing and passed and now[0] != before[0] and now[2] == before[2]
    return int(flapped or (passed and not is_passing))


def _counts(falls: Mapping[str, int], hosts: Sequence[ConsulHost]) -> Counts:
    return Counts(sum(bool(host.checks) for host in hosts), sum(falls.get(host.name, 0) for host in hosts))
