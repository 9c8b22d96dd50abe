"""Pushes that came, reduced, in Consul: a workflow gets the id of one, and never what is in it."""

from __future__ import annotations

import time

from cicd import identifiers
from cicd.ci.github_push import KeptPush
from cicd.errors import Refused
from cicd.store import serial
from cicd.store.store import Store

PREFIX = "cicd/.pushes/"
KEPT = 1000


def put(store: Store, event: KeptPush) -> str:
    """Keep the reduced *event*, and return its id; the oldest beyond 1000 are forgotten."""
    known = sorted(store.keys(PREFIX))
    identifier = serial.following(known, time.time())
    store.put(f"{PREFIX}{identifier}", event)
    for key in known[: max(0, len(known) + 1 - KEPT)]:
        store.delete(key)
    return identifier


def get(store: Store, identifier: str) -> KeptPush:
    """Return the reduced event *identifier*; Refused when it is not kept any more."""
    event = store.json(f"{PREFIX}{identifiers.check('push', identifier)}", KeptPush)
    if event is None:
        raise Refused(
            f"The push {identifier} is not known any more.",
            "Run cicd.git_push with project and commit; a branch that moved unheard is found within minutes.",
        )
    return event
