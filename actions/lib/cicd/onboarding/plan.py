"""What is to be done with the items of a project. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence

from cicd.errors import Refused
from cicd.onboarding.item import GONE, LEFT, MISSING, OTHER, THERE, Item


@dataclass(frozen=True)
class Plan:
    """The items that *change*, in their order, that *stay* as they are, and that are *left* to people."""

    change: Sequence[Item]
    stay: Sequence[Item]
    left: Sequence[Item]

    def lines(self, verb: str) -> List[str]:
        """Return the plan as lines to read, what changes behind *verb*."""
        return [
            *(f"{verb}: {item.what}" for item in self.change),
            *(f"stays: {item.what}{_because(item)}" for item in self.stay),
            *(f"left to you: {item.what}{_because(item)}" for item in self.left),
        ]


def to_add(project: str, items: Sequence[Item]) -> Plan:
    """Return what adding *project* makes; Refused when something of its name is there and differs."""
    other = [f"{item.what} {item.why}" for item in items if item.state in (OTHER, GONE)]
    if other:
        raise Refused(
            f"{project} cannot be added: {'; '.join(other)}. Nothing was changed.",
            f"Make them equal, or remove it: st2 run cicd.remove_project project={project}",
        )
    return Plan(
        change=[item for item in items if item.state == MISSING],
        stay=[item for item in items if item.state == THERE],
        left=[item for item in items if item.state == LEFT],
    )


def to_remove(items: Sequence[Item]) -> Plan:
    """Return what removing a project takes away; what others need as well stays."""
    there = [item for item in items if item.state in (THERE, OTHER)]
    return Plan(
        change=[item for item in there if not item.shared],
        stay=[item for item in there if item.shared],
        left=[item for item in items if item.state in (LEFT, GONE)],
    )


def _because(item: Item) -> str:
    reason = f"{item.shared} needs it" if item.shared else item.why
    return f" ({reason})" if reason else ""
