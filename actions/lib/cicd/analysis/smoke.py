"""A smoke test: each canary host is asked for a path, past every load balancer."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from cicd.analysis import fetch, judgement
from cicd.analysis.asked import Asked, Memory
from cicd.analysis.fetch import Unusable
from cicd.release.analysis import Counts, Observation
from cicd.release.analysis_policy import HTTP
from cicd.release.host import ConsulHost
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE

TRIES = 3


def look(asked: Asked, memory: Memory) -> Tuple[Observation, Memory]:
    """Return whether each canary host answers; one that does not in TRIES is bad, if another host does."""
    if not asked.canary:
        return judgement.unknown(asked, HTTP, "there is no canary host"), memory
    failing = _failing(asked, asked.canary)
    canary = Counts(len(asked.canary), len(failing))
    if not failing:
        is_last = asked.look >= asked.policy.looks
        said = f"all {len(asked.canary)} canary hosts answer {asked.policy.path} as they should"
        return Observation(HTTP, GOOD if is_last else INCONCLUSIVE, said, asked.now, canary), memory
    other = asked.baseline[:1]
    also = _failing(asked, other)
    baseline, said = Counts(len(other), len(also)), "; ".join([*failing[:3], *also])
    if also or not other:
        said += "; whether it is the canary is not known"
    outcome = BAD if other and not also else INCONCLUSIVE
    return Observation(HTTP, outcome, said, asked.now, canary, baseline), memory


def _failing(asked: Asked, hosts: Sequence[ConsulHost]) -> List[str]:
    """Return in words which of *hosts* do not answer as they should, however often they are asked."""
    return list(filter(None, (_failure(asked, host) for host in hosts)))


def _failure(asked: Asked, host: ConsulHost) -> str:
    """Return what is wrong with *host* in every try; empty when it answered once."""
    trouble = ""
    for _ in range(TRIES):
        trouble = _trouble(asked, host)
        if not trouble:
            return ""
    return f"{host.name} {trouble}, {TRIES} times"


def _trouble(asked: Asked, host: ConsulHost) -> str:
    """Return what is wrong with the answer of *host*; empty when nothing is."""
    try:
        answer = fetch.ask(f"http://{fetch.authority(host.address, host.port)}{asked.policy.path}")
    except Unusable as error:
        return str(error)
    if answer.status_code == asked.policy.status:
        return ""
    return f"answers {asked.policy.path} with {answer.status_code} in place of {asked.policy.status}"
