"""What Prometheus counted: a query each for requests, failures and slow ones, of the hosts of a ring."""

from __future__ import annotations

import json
import math
import re
from typing import Callable, Sequence, Tuple

from cicd.analysis import fetch, judgement
from cicd.analysis.asked import Asked, Memory
from cicd.analysis.fetch import Unusable
from cicd.release.analysis import Counts, Observation
from cicd.release.analysis_policy import PROMETHEUS
from cicd.release.host import ConsulHost
from cicd.release.host_pattern import literal, pattern

REQUESTS, FAILURES, SLOW = "requests", "failures", "slow"


def look(asked: Asked, memory: Memory) -> Tuple[Observation, Memory]:
    """Return what Prometheus counted since the look of number 0; it remembers by itself."""
    if not asked.look:
        return judgement.unknown(asked, PROMETHEUS, "it counts from now on"), memory
    try:
        canary, baseline = _counts(asked, asked.canary), _counts(asked, asked.baseline)
    except Unusable as error:
        return judgement.unknown(asked, PROMETHEUS, f"{asked.monitoring.prometheus} {error}"), memory
    return judgement.of_requests(asked, PROMETHEUS, canary, baseline), memory


def filled(query: str, asked: Asked, hosts: Sequence[ConsulHost]) -> str:
    """
    Return *query* about *hosts*, which become a pattern for the label `instance` or the like.

    Each is a name or an address, with a domain or a port or without.
    """
    window = max(1, math.ceil(asked.now - asked.began))
    values = {
        "hosts": pattern(name for host in hosts for name in (host.name, host.address)),
        "project": literal(asked.project),
        "window": f"{window}s",
        "slow_seconds": f"{asked.policy.slow_ms / 1000:g}",
    }
    return re.sub(r"\{(hosts|project|window|slow_seconds)\}", lambda found: values[found[1]], query)


def value(answer: str) -> int:
    """Return the one number in Prometheus' *answer*, as a whole one; Unusable when there is not one."""
    try:
        data = json.loads(answer)["data"]
        found = [data["result"]] if data["resultType"] == "scalar" else [r["value"] for r in data["result"]]
        numbers = [float(pair[1]) for pair in found]
    except (IndexError, KeyError, RecursionError, TypeError, ValueError):
        raise Unusable("gives an answer that is not Prometheus' JSON") from None
    if len(numbers) != 1:
        raise Unusable(f"gives {len(numbers)} series where one is needed")
    if not math.isfinite(numbers[0]) or numbers[0] < 0:
        raise Unusable(f"gives {numbers[0]}, which counts nothing")
    return round(numbers[0])


def _counts(asked: Asked, hosts: Sequence[ConsulHost]) -> Counts:
    """Of hosts that there are none of, nothing is asked; more failures than requests come of rounding."""
    if not hosts:
        return Counts(slow=0 if SLOW in asked.policy.queries else None)
    number = _asking(asked, hosts)
    requests = number(REQUESTS)
    failures = min(requests, number(FAILURES))
    return Counts(requests, failures, min(requests, number(SLOW)) if SLOW in asked.policy.queries else None)


def _asking(asked: Asked, hosts: Sequence[ConsulHost]) -> Callable[[str], int]:
    url = f"{asked.monitoring.prometheus.rstrip('/')}/api/v1/query"

    def number(what: str) -> int:
        query = filled(asked.policy.queries[what], asked, hosts)
        try:
            return value(fetch.text(url, {"query": query, "time": f"{asked.now:.3f}"}))
        except Unusable as error:
            more = "; let it end in `or vector(0)` if there may be none" if "0 series" in str(error) else ""
            raise Unusable(f"{error} for the query `{what}`{more}") from None

    return number
