"""The hosts of a ring, which of them may leave traffic together, and in which batches. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Container, Iterable, Iterator, Mapping, Sequence

from cicd.errors import ConfigError, Refused
from cicd.release.host import ConsulHost, Host


def members(
    found: Sequence[ConsulHost],
    project: str,
    ring: str,
    tags: Mapping[str, str],
    reachable_only: bool = False,
    excluded: Container[str] = (),
    zone_meta: str = "zone",
) -> list[Host]:
    """
    Return the hosts of *ring* among those that were *found* in Consul with the project's service.

    *tags* are the tags of the rings; an *excluded* host is in none. An empty ring is refused, and so is
    one with a failing node, since a deploy never guesses its targets; with *reachable_only* failing nodes
    are left out instead.
    """
    chosen = [one for one in found if one.name not in excluded and one.ring(tags) == ring]
    up = [one for one in chosen if one.is_reached]
    if not (up if reachable_only else chosen):
        raise _empty(project, ring, tags.get(ring, ""))
    if not reachable_only and len(up) < len(chosen):
        down = sorted(one.name for one in chosen if not one.is_reached)
        raise Refused(
            f"{', '.join(down)} of {project}'s {ring} ring cannot be reached by Consul.",
            f"Repair the host, or leave it out: {exclusion(project)}. Then deploy again.",
        )
    return sorted((one.host(zone_meta) for one in up), key=lambda host: host.name)


def backends(found: Iterable[ConsulHost], ring: str, tags: Mapping[str, str]) -> list[list[ConsulHost]]:
    """
    Return the groups of hosts that must go on serving while hosts of *ring* leave traffic.

    A load balancer sends the same users to all hosts with one tag. So each tag of a ring that hosts of
    *ring* carry makes a group of all that were *found* with it; one that lies within another is left out.
    """
    hosts = list(found)
    own = [one for one in hosts if one.ring(tags) == ring]
    carried = dict.fromkeys(tag for tag in tags.values() if any(one.carries(tag) for one in own))
    groups = {frozenset(one.name for one in hosts if one.carries(tag)): None for tag in carried}
    whole = [group for group in groups if not any(group < other for other in groups)]
    return [[one for one in hosts if one.name in group] for group in whole]


def refuse_crowd(
    found: Sequence[ConsulHost], project: str, productions: Sequence[str], tags: Mapping[str, str], share: str
) -> None:
    """
    Raise Refused when more of the hosts that serve production's users are canaries than *share*.

    A canary carries the tag of one of the *productions* and is of a ring before. *share* is a number or
    a percentage.
    """
    for tag in (tags[name] for name in productions):
        serving = [one for one in found if one.carries(tag)]
        canaries = [one for one in serving if one.ring(tags) not in productions]
        if len(canaries) > max(1, amount(share, len(serving), "deploy.max_canaries")):
            own = tags[canaries[0].ring(tags)]
            raise Refused(
                f"{len(canaries)} of {project}'s {len(serving)} hosts are canaries; {share} may be.",
                f"Take the tag {own} off some hosts, or raise `deploy.max_canaries`.",
            )


def refuse_sick(found: Iterable[ConsulHost], project: str, hosts: Iterable[Host]) -> None:
    """Raise Refused when a host of a ring that was healthy is not: its deploy would prove nothing."""
    reasons = unhealthy(found, [host.name for host in hosts])
    if reasons:
        why = "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))
        raise Refused(
            f"{project} is not healthy before the deploy ({why}).",
            f"Repair the host, roll back, or leave it out: {exclusion(project)}. Then deploy again.",
        )


def exclusion(project: str) -> str:
    """Return the command that leaves a host out."""
    return f"st2 run cicd.exclude_host project={project} host=… reason=…"


def batch_sizes(sizes: Sequence[str], total: int) -> Iterator[int]:
    """
    Yield how many of *total* hosts each batch has: *sizes* in turn, the last one for ever.

    A size is a number of hosts or a percentage of all of them, rounded up.
    """
    if not sizes:
        raise ConfigError("`deploy.batches` is empty.", 'Give sizes, as in ["1", "25%", "100%"].')
    counts = [max(1, amount(size, total, "deploy.batches", least=1)) for size in sizes]
    yield from counts
    while True:
        yield counts[-1]


def batches(hosts: Sequence[Host], sizes: Sequence[str]) -> list[list[Host]]:
    """Return *hosts* in batches of *sizes*, as they are when the capacity makes none of them smaller."""
    wanted, left, found = batch_sizes(sizes, len(hosts)), list(hosts), []
    while left:
        size = next(wanted)
        found.append(left[:size])
        left = left[size:]
    return found


@dataclass(frozen=True)
class Capacity:
    """
    Which of all hosts of a project serve now, and how many must go on serving.

    *minimum* is a number, or a percentage that is rounded up but lets one host go: it holds for the
    whole project and for each availability zone.
    """

    serving: Mapping[str, bool]
    zones: Mapping[str, str]
    minimum: str

    def room(self, hosts: Iterable[Host]) -> list[Host]:
        """Return those of *hosts*, in their order, that may leave traffic together now."""
        spare = {group: self._spare(group) for group in {"", *self.zones.values()}}
        found = []
        for host in hosts:
            groups = {"", self.zones.get(host.name, "")} if self.serving.get(host.name) else set()
            if all(spare[group] > 0 for group in groups):
                found.append(host)
                spare.update({group: spare[group] - 1 for group in groups})
        return found

    def _spare(self, group: str) -> int:
        names = [name for name in self.serving if group in ("", self.zones.get(name, ""))]
        needed = amount(self.minimum, len(names), "deploy.min_healthy")
        if self.minimum.endswith("%"):
            needed = min(needed, len(names) - 1)
        return sum(self.serving[name] for name in names) - needed


def failure_budget(size: object, total: int) -> int:
    """Return how many of *total* hosts may fail in one deploy, by `deploy.failure_budget`, *size*."""
    return amount(size, total, "deploy.failure_budget", rounded=math.floor)


def rings(found: Iterable[ConsulHost], tags: Mapping[str, str]) -> dict[str, str]:
    """Return the ring of each host that was *found* in Consul, healthy or not, by node."""
    return {one.name: one.ring(tags) for one in found}


def capacity(found: Sequence[ConsulHost], minimum: str, zone_meta: str) -> Capacity:
    """Return the capacity that the hosts *found* in Consul of a project have."""
    serving = {one.name: not one.trouble for one in found}
    zones = {one.name: one.zone(zone_meta) for one in found}
    return Capacity(serving, zones, str(minimum))


def unhealthy(found: Iterable[ConsulHost], names: Iterable[str]) -> dict[str, str]:
    """Return why each of the hosts *names* is not healthy, by host; empty when all are."""
    failing = {one.name: one.trouble for one in found}
    reasons = {name: failing.get(name, "its service is gone from Consul") for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def _empty(project: str, ring: str, tag: str) -> Refused:
    tagged = f" with the tag {tag}" if tag else ""
    return Refused(
        f"{project} has no {ring} host in Consul.",
        f"Register the service on its hosts{tagged}, or check `discovery` in the configuration.",
    )


def amount(
    size: object, total: int, key: str, least: int = 0, rounded: Callable[[float], int] = math.ceil
) -> int:
    """
    Return *size*, a number or a percentage of *total*.

    ConfigError, naming the *key* of the configuration, when it is neither or below *least*.
    """
    text = str(size).strip()
    number = text[:-1] if text.endswith("%") else text
    if not number.isdigit() or int(number) < least:
        raise ConfigError(f"{size!r} in `{key}` is neither a number nor a percentage.", 'Write "2" or "25%".')
    return rounded(total * int(number) / 100) if text.endswith("%") else int(number)
