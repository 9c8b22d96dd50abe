"""The hosts of a ring, and the batches in which they are updated. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from cicd.errors import ConfigError, Refused


@dataclass(frozen=True)
class Host:
    """One machine, as Consul knows it."""

    name: str
    address: str


def members(
    entries: Sequence[Mapping[str, Any]],
    project: str,
    ring: str,
    canary_tag: str,
    reachable_only: bool = False,
) -> list[Host]:
    """
    Return the hosts of *ring* among Consul's health *entries* of the project's service.

    A host with the canary tag is canary, every other is production. An empty ring is
    refused, and so is one with a failing node, since a deploy never guesses its targets;
    with *reachable_only* failing nodes are left out instead.
    """
    chosen = [e for e in entries if (canary_tag in e["Service"]["Tags"]) == (ring == "canary")]
    up = [entry for entry in chosen if _node_is_up(entry)]
    if not (up if reachable_only else chosen):
        raise _empty(project, ring, canary_tag)
    if not reachable_only and len(up) < len(chosen):
        down = sorted(e["Node"]["Node"] for e in chosen if not _node_is_up(e))
        raise Refused(
            f"{', '.join(down)} of {project}'s {ring} ring cannot be reached by Consul.",
            "Repair the host or deregister its service, then deploy again.",
        )
    return sorted((_host(entry) for entry in up), key=lambda host: host.name)


def batches(hosts: Sequence[Host], sizes: Sequence[str]) -> list[list[Host]]:
    """
    Return *hosts* in batches of *sizes*, the last of which repeats.

    A size is a number of hosts or a percentage of all of them, rounded up.
    """
    if not sizes:
        raise ConfigError("`deploy.batches` is empty.", 'Give sizes, as in ["1", "25%", "100%"].')
    counts = [_count(size, len(hosts)) for size in sizes]
    found: list[list[Host]] = []
    start = 0
    while start < len(hosts):
        count = counts[min(len(found), len(counts) - 1)]
        found.append(list(hosts[start : start + count]))
        start += count
    return found


def unhealthy(entries: Iterable[Mapping[str, Any]], names: Iterable[str]) -> dict[str, str]:
    """Return why each of the hosts *names* is not healthy, by host; empty when all are."""
    failing = {e["Node"]["Node"]: _failing_checks(e) for e in entries}
    reasons = {name: failing.get(name, "its service is gone from Consul") for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def _empty(project: str, ring: str, canary_tag: str) -> Refused:
    tagged = f" with the tag {canary_tag}" if ring == "canary" else ""
    return Refused(
        f"{project} has no {ring} host in Consul.",
        f"Register the service on its hosts{tagged}, or check `discovery` in the configuration.",
    )


def _failing_checks(entry: Mapping[str, Any]) -> str:
    return ", ".join(f"{c['Name']} is {c['Status']}" for c in entry["Checks"] if c["Status"] != "passing")


def _node_is_up(entry: Mapping[str, Any]) -> bool:
    return all(c["Status"] == "passing" for c in entry["Checks"] if c["CheckID"] == "serfHealth")


def _host(entry: Mapping[str, Any]) -> Host:
    return Host(entry["Node"]["Node"], entry["Service"]["Address"] or entry["Node"]["Address"])


def _count(size: str, total: int) -> int:
    text = str(size).strip()
    number = text[:-1] if text.endswith("%") else text
    if not number.isdigit() or int(number) < 1:
        raise ConfigError(f"{size!r} in `deploy.batches` is no batch size.", 'Write "2" or "25%".')
    return max(1, math.ceil(total * int(number) / 100)) if text.endswith("%") else int(number)
