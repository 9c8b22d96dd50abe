"""Which drift of a project's hosts stands, and which is over, in Consul: what people are told of it."""

from __future__ import annotations

import time
from typing import Dict, Iterable, Mapping, TypedDict

from cicd.fleet.drift import WATCHED, Drift
from cicd.store.store import Store

KEPT = 100  # drift that is over


class Standing(TypedDict):
    """
    One drift: its `kind` and `message`, and since and until when it stands (epoch seconds); 0 while it does.

    One that is `repairable` gets another run of its host by itself.
    """

    kind: str
    message: str
    repairable: bool
    since: float
    until: float


class Recorded(TypedDict, total=False):
    """The drift of a project's hosts, by its key."""

    drift: Dict[str, Standing]


def place(project: str) -> str:
    """Return where the drift of *project*'s hosts is kept."""
    return f"cicd/{project}/drift"


def keep(store: Store, project: str, found: Iterable[Drift], is_sure: bool) -> None:
    """
    Record that *found* is what stands of *project* now.

    What is found only by watching for a while is over only when who watches *is_sure*.
    """
    drifts = {one.key: one for one in found if one.project == project}

    def followed(known: Recorded) -> Recorded:
        after = follow(known.get("drift") or {}, drifts, time.time(), is_sure)
        return {"drift": after} if after or known else known

    store.update(place(project), followed)


def follow(
    known: Mapping[str, Standing], found: Mapping[str, Drift], now: float, is_sure: bool = True
) -> Dict[str, Standing]:
    """Return what is *known* of drift once *found* is what stands *now*; the newest at the end."""
    over = {key: one if key in found else _over(one, now, is_sure) for key, one in known.items()}
    new = {key: _begun(one, now) for key, one in found.items() if not _stands(known, key)}
    left = {key: one for key, one in over.items() if key not in new}
    ended = [key for key, one in left.items() if one["until"]]
    return {**{key: one for key, one in left.items() if key not in ended[:-KEPT]}, **new}


def _stands(known: Mapping[str, Standing], key: str) -> bool:
    return key in known and not known[key]["until"]


def _over(one: Standing, now: float, is_sure: bool) -> Standing:
    is_known = is_sure or one["kind"] not in WATCHED
    return {**one, "until": now} if is_known and not one["until"] else one


def _begun(one: Drift, now: float) -> Standing:
    return {"kind": one.kind, "message": one.message, "repairable": one.repairable, "since": now, "until": 0}
