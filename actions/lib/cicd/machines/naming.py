"""How a machine is called. Pure."""

from __future__ import annotations

import hashlib
import re

LABEL = 63  # characters that a label of DNS may have
DIGITS = 8


def machine_name(project: str, ring: str, seed: str) -> str:
    """
    Return the name `<project>-<ring>-<digits>` of a machine for *ring* of *project*, a label of DNS.

    It is another one for each *seed*, such as an execution's id, and always the same for the same one.
    """
    digits = hashlib.sha256("\n".join((project, ring, seed)).encode()).hexdigest()[:DIGITS]
    words = re.sub(r"[^a-z0-9]+", "-", f"{project}-{ring}".lower()).strip("-")
    words = words if words[:1].isalpha() else f"m-{words}"
    return f"{words[: LABEL - DIGITS - 1].rstrip('-')}-{digits}"
