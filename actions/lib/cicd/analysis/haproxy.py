"""What load balancers counted: HAProxy's statistics as CSV, over HTTP, by the address of each server."""

from __future__ import annotations

import csv
from typing import Collection, Dict, List, Mapping, NamedTuple, Sequence, Tuple, TypedDict, cast

from cicd.analysis import fetch, judgement
from cicd.analysis.asked import Asked, Memory
from cicd.analysis.fetch import Unusable
from cicd.release.analysis import Counts, Observation
from cicd.release.analysis_policy import HAPROXY
from cicd.release.host import ConsulHost

SERVER = "2"  # the type of a line about a server
ANSWERED = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx")
FAILED = ("hrsp_5xx", "hrsp_other", "econ", "eresp", "wretr")  # some requests are among several of them
NEEDED = {"pxname", "svname", "type", "addr", "stot", "cli_abrt", *ANSWERED, *FAILED}


class Slot(NamedTuple):
    """
    What one server of a backend counted since the balancer started, and at which address it is now.

    Of all requests that were `begun`, those of clients that went away are none of `requests`, once they did.
    """

    address: str
    requests: int
    failures: int
    begun: int = 0  # memories of before have none


Slots = Mapping[str, Slot]  # by `backend/server`


class Remembered(TypedDict, total=False):
    """The slots of each balancer at the last look, and what was counted until then, by address."""

    slots: Dict[str, Dict[str, List[object]]]
    counted: Dict[str, List[int]]


def look(asked: Asked, memory: Memory) -> Tuple[Observation, Memory]:
    """Return what the balancers counted since the look of number 0, and what to remember."""
    known, troubles = cast(Remembered, memory), []
    slots, counted = dict(known.get("slots", {})), dict(known.get("counted", {}))
    ours = {_address(host) for host in (*asked.canary, *asked.baseline)}
    for url in asked.monitoring.haproxy:
        try:
            now = relevant(parse(fetch.text(url)), ours)
        except Unusable as error:
            troubles.append(f"{url} {error}")
            continue
        if url in slots:
            _add(counted, grown(_slots(slots[url]), now))
        slots[url] = {name: list(slot) for name, slot in now.items()}
    canary, baseline = _sum(counted, asked.canary), _sum(counted, asked.baseline)
    found = judgement.of_requests(asked, HAPROXY, canary, baseline, "; ".join(troubles))
    return found, {"slots": slots, "counted": counted}


def parse(text: str) -> Dict[str, Slot]:
    """Return each server in the statistics *text*; Unusable when they lack what is needed."""
    rows = csv.DictReader(text.lstrip("# ").splitlines())
    if NEEDED - set(rows.fieldnames or ()):
        raise Unusable("gives no statistics of HAProxy as CSV (does its address end with ;csv?)")
    try:
        found = {f"{row['pxname']}/{row['svname']}": _slot(row) for row in rows if row["type"] == SERVER}
    except (TypeError, ValueError):
        raise Unusable("gives statistics with counters that are not numbers") from None
    if found and not any(slot.address for slot in found.values()):
        raise Unusable("gives no addresses of its servers: it needs `stats show-legends`")
    return found


def relevant(slots: Slots, addresses: Collection[str]) -> Dict[str, Slot]:
    """Return all slots of the backends that have a server at one of *addresses*."""
    backends = {_backend(name) for name, slot in slots.items() if slot.address in addresses}
    return {name: slot for name, slot in slots.items() if _backend(name) in backends}


def grown(before: Slots, now: Slots) -> Dict[str, Tuple[int, int]]:
    """
    Return how many requests and failures each address had between *before* and *now*.

    A balancer that was started anew counts from 0. A slot that another address had is no one's, and the
    slots of a backend that was not looked at before count the next time.
    """
    is_new = any(slot.begun < before[name].begun for name, slot in now.items() if name in before)
    known = {_backend(name) for name in before}
    found: Dict[str, Tuple[int, int]] = {}
    for name, slot in now.items():
        old = Slot("", 0, 0) if is_new else before.get(name, Slot("", 0, 0))
        if slot.address and old.address in ("", slot.address) and (is_new or _backend(name) in known):
            requests, failures = found.get(slot.address, (0, 0))
            more = max(0, slot.requests - old.requests)
            failed = min(more, max(0, slot.failures - old.failures))
            found[slot.address] = requests + more, failures + failed
    return found


def _slot(row: Mapping[str, str]) -> Slot:
    """
    Failed is what got no good answer, for clients that did not go away: a retry has no status of its own.

    Those that are still under way have none either, so as many failed at most as were seen to fail.
    """
    answered, seen_to_fail = (sum(_number(row, name) for name in names) for names in (ANSWERED, FAILED))
    begun = _number(row, "stot")
    requests = max(answered, begun - _number(row, "cli_abrt"))
    return Slot(row["addr"], requests, min(requests - answered, seen_to_fail), begun)


def _number(row: Mapping[str, str], name: str) -> int:
    return int(row[name] or 0)


def _backend(name: str) -> str:
    return name.rpartition("/")[0]


def _address(host: ConsulHost) -> str:
    return fetch.authority(host.address, host.port)


def _slots(stored: Mapping[str, Sequence[object]]) -> Dict[str, Slot]:
    return {name: Slot(*cast(Tuple[str, int, int, int], tuple(slot))) for name, slot in stored.items()}


def _add(counted: Dict[str, List[int]], more: Mapping[str, Tuple[int, int]]) -> None:
    for address, (requests, failures) in more.items():
        before = counted.get(address, [0, 0])
        counted[address] = [before[0] + requests, before[1] + failures]


def _sum(counted: Mapping[str, Sequence[int]], hosts: Sequence[ConsulHost]) -> Counts:
    found = [counted.get(address, (0, 0)) for address in {_address(host) for host in hosts}]
    return Counts(sum(one[0] for one in found), sum(one[1] for one in found))
