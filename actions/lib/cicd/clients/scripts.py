"""The scripts that run on other machines, as they are sent there."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = Path(__file__).with_name("remote")
INCLUDED = re.compile(r"^\. \./(\w+\.sh)$", re.M)


def script_text(name: str) -> str:
    """Return remote/*name*.sh, with the files that it includes by `. ./FILE` in their place."""
    text = (SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")
    return INCLUDED.sub(lambda found: (SCRIPTS / found[1]).read_text(encoding="utf-8"), text)
