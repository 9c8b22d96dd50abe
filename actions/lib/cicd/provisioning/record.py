"""What is written down of a machine before its provider is asked, and of its joining. Pure."""

from __future__ import annotations

from typing import List, Mapping, TypedDict

from cicd.clients.known_hosts import MACHINES

ORDERED, READY, LEAVING = "ordered", "ready", "leaving"
OPEN, JOINED = "open", "joined"
JOINS = "cicd/.joins/"


class MachineRecord(TypedDict, total=False):
    """
    A machine that the pack made, or is about to make.

    `state` is ordered, ready or leaving; *who* asked for it *at* (epoch seconds), in which `execution`.
    `alive` is when somebody last saw to it. `joins` has the check of host keys by the identifier of each
    token that it may join with; `host_keys` and `address` are what it said of itself when it did.
    """

    state: str
    project: str
    ring: str
    provider: str
    who: str
    at: float
    execution: str
    alive: float
    joins: Mapping[str, str]
    host_keys: List[str]
    address: str


class Join(TypedDict, total=False):
    """
    What one token is good for, until then (epoch seconds): the `sealed` bundle, which goes when it was given.

    The machine says its `host_keys`, its `address`, their `signature`, and what `failed`.
    """

    state: str
    until: float
    sealed: str
    host_keys: List[str]
    address: str
    signature: str
    at: float
    failed: str


def key(name: str) -> str:
    """Return where the record of the machine *name* is."""
    return f"{MACHINES}{name}"


def join_key(identifier: str) -> str:
    """Return where it is kept what the token with *identifier* is good for."""
    return f"{JOINS}{identifier}"


def is_lost(record: MachineRecord, now: float, lost_after: float) -> bool:
    """Whether a machine is on its way in or out, and nobody sees to it any more."""
    return record.get("state") != READY and now - record.get("alive", 0.0) > lost_after
