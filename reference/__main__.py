"""
`python3 -m reference`: draw docs/reference; --check says whether it is current, and changes nothing.

--stable draws reference/stable.txt, what the version that is about to be released promises.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from reference.actions import actions
from reference.chat import chat
from reference.configuration import configuration
from reference.events import events
from reference.hosts import hosts
from reference.messages import messages
from reference.metrics import metrics
from reference.pack import ROOT
from reference.programs import programs
from reference.stable import promise

FOLDER = ROOT / "docs" / "reference"
PAGES = {
    "actions": actions,
    "configuration": configuration,
    "chat": chat,
    "events": events,
    "hosts": hosts,
    "messages": messages,
    "metrics": metrics,
    "programs": programs,
}


def main(words: list[str]) -> int:
    """Write all pages, or with --check compare them; exit code 1 names those that are old."""
    if words == ["--stable"]:
        promise()
        return 0
    drawn = {f"{name}.md": draw() for name, draw in PAGES.items()}
    if words == ["--check"]:
        return _compare(drawn)
    FOLDER.mkdir(exist_ok=True)
    for name, text in drawn.items():
        (FOLDER / name).write_text(text)
    return 0


def _compare(drawn: Mapping[str, str]) -> int:
    there = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    old = sorted(name for name in {*drawn, *there} if drawn.get(name) != there.get(name))
    if old:
        sys.stderr.write(f"docs/reference is old ({', '.join(old)}): python3 -m reference\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
