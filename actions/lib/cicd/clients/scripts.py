"""The scripts that run on other machines, as they are sent there."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = Path(__file__).with_name("remote")
INCLUDED = re.compile(r"^\. \./(\w+\.sh)$", re.M)


def script_text(name: str) -> str:
    """Return remote/*name*.sh, with the files that it includes."""
    return with_included((SCRIPTS / f"{name}.sh").read_text(encoding="utf-8"))


def with_included(text: str) -> str:
    """Return the script *text* with the files of `remote` that it includes by `. ./FILE` in their place."""
    return INCLUDED.sub(lambda found: with_included((SCRIPTS / found[1]).read_text(encoding="utf-8")), text)
