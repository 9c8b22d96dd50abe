"""Which share of requests each project's canary gets: as Consul has it, and as HAProxy's map. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

BUCKETS = 10_000  # by the hash of who asks; those below a share's number go to the canary
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Share:
    """
    How many of the BUCKETS go to the canary, at that `generation` of the project's record.

    None leaves them to HAProxy, as if no share had ever been wanted.
    """

    buckets: int | None
    generation: int


Shares = Mapping[str, Share]


def parse(values: Mapping[str, str]) -> tuple[dict[str, Share], list[str]]:
    """Return the shares that *values* want, by project, and the projects whose value is unreadable."""
    found: dict[str, Share] = {}
    odd: list[str] = []
    for name, text in values.items():
        share = _share(text) if NAME.fullmatch(name) else None
        if share:
            found[name] = share
        else:
            odd.append(name)
    return found, odd


def entries(shares: Shares) -> dict[str, str]:
    """Return what HAProxy's map says: the number of buckets, by project."""
    return {name: str(one.buckets) for name, one in sorted(shares.items()) if one.buckets is not None}


def text(known: Mapping[str, str]) -> str:
    """Return the map's file for the entries *known*."""
    return "".join(f"{name} {value}\n" for name, value in known.items())


def read(file: str) -> dict[str, str]:
    """Return the entries that the map's *file* has."""
    words = [line.split() for line in file.splitlines() if line.strip() and not line.startswith("#")]
    return {line[0]: line[1] for line in words if len(line) == 2}


def changes(there: Mapping[str, str], wanted: Mapping[str, str], file: str) -> list[str]:
    """Return the commands by which the entries *there* of the map *file* become those *wanted*."""
    gone = [f"del map {file} {name}" for name in there if name not in wanted]
    new = [f"add map {file} {name} {value}" for name, value in wanted.items() if name not in there]
    other = [
        f"set map {file} {name} {value}" for name, value in wanted.items() if there.get(name, value) != value
    ]
    return [*gone, *other, *new]


def _share(value: str) -> Share | None:
    try:
        data = json.loads(value)
        buckets, generation = data["buckets"], data["generation"]
    except (KeyError, RecursionError, TypeError, ValueError):
        return None
    fits = buckets is None or (type(buckets) is int and 0 <= buckets <= BUCKETS)
    return Share(buckets, generation) if fits and type(generation) is int and generation >= 0 else None
