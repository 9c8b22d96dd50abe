"""When the keys that sign the repository expire, as its host said last."""

from __future__ import annotations

from typing import Dict, Iterator, Mapping, TypedDict

from cicd.finding import GOOD, WARNING, WRONG, Finding
from cicd.sanitize import age
from cicd.store.store import Store

PLACE = "cicd/everything/signing_keys"
SAID = "key_"
SOON_SECONDS = 30 * 86400.0
VERY_SOON_SECONDS = 7 * 86400.0
FIX = "Extend it (gpg --quick-set-expire) or change to a new one, see docs/packages.md"


class Ends(TypedDict, total=False):
    """When each key expires (epoch seconds), by its name; one that never does is not among them."""

    ends: Dict[str, float]


def keep(store: Store, output: str) -> None:
    """Keep what a script on the repository's host said of its keys, in lines of its *output*."""
    said = (line[len(SAID) :].partition("=") for line in output.splitlines() if line.startswith(SAID))
    ends = {name: float(end) for name, _, end in said}

    def kept(before: Ends) -> Ends:
        return {"ends": ends} if ends or before else before

    store.update(PLACE, kept)


def known(store: Store) -> Mapping[str, float]:
    """Return when each key expires, as far as it is known."""
    return (store.json(PLACE, Ends) or {}).get("ends") or {}


def stage(end: float, now: float) -> str:
    """Return how near the *end* of a key is: expired, very soon, soon, or nothing while it is far away."""
    left = end - now
    if left <= 0:
        return "expired"
    if left <= VERY_SOON_SECONDS:
        return "very soon"
    return "soon" if left <= SOON_SECONDS else ""


def sentence(name: str, end: float, now: float) -> str:
    """Return what is to be said of the key *name*."""
    if end <= now:
        return f"the key {name}, which signs the package repository, has expired: nothing can be published"
    return f"the key {name}, which signs the package repository, expires in {age(end - now)}"


def findings(ends: Mapping[str, float], now: float) -> Iterator[Finding]:
    """Say how long each key signs."""
    states = {"": GOOD, "soon": WARNING, "very soon": WARNING, "expired": WRONG}
    for name, end in sorted(ends.items()):
        near = stage(end, now)
        yield Finding("signing key", states[near], sentence(name, end, now), f"{FIX}." if near else "")
