"""Hosts as a pattern by which Prometheus and Alertmanager find them in a label. Pure."""

from __future__ import annotations

import re
from typing import Iterable

from cicd.sanitize import one_line

HARMLESS = re.compile(r"[A-Za-z0-9_:-]")  # of a name or an address: itself in a text and in a pattern


def pattern(names: Iterable[str]) -> str:
    """
    Return what matches each of *names*, of hosts or their addresses, with a domain or a port or without.

    It has nothing that ends a text in any quotes, and needs no escape.
    """
    return f"({'|'.join(map(literal, dict.fromkeys(names)))})([.:].*)?"


def literal(name: str) -> str:
    """Return what matches *name* alone; of it, characters that no name or address has are left out."""
    safe = (one if HARMLESS.fullmatch(one) else f"[{one}]" for one in one_line(name, 255))
    return "".join(one for one in safe if one == "[.]" or HARMLESS.fullmatch(one))
