"""The version of the pack, which all its programs share."""

import re
from pathlib import Path


def version() -> str:
    """Return what the nearest pack.yaml above this file says; "0" when there is none."""
    found = next((one for folder in Path(__file__).parents for one in folder.glob("pack.yaml")), None)
    said = re.search(r"(?m)^version: *(\S+)", found.read_text(encoding="utf-8")) if found else None
    return said[1] if said else "0"
