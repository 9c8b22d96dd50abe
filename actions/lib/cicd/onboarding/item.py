"""One thing that a project needs somewhere, as it was seen there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

MISSING, THERE, OTHER, LEFT, GONE = "missing", "there", "other", "left", "gone"


def nothing() -> None:
    """Do nothing: there is nothing to do."""


@dataclass(frozen=True)
class Item:
    """
    What it is, its state, and how it is made and removed; both may be called again after they were killed.

    An OTHER one is there and differs, a LEFT one is for people to make, and the place of a GONE one is not
    there any more: *why* says how or why. What *shared* others need as well stays when the project goes.
    """

    what: str
    state: str
    make: Callable[[], None] = nothing
    remove: Callable[[], None] = nothing
    why: str = ""
    shared: str = ""
