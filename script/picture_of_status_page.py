#!/usr/bin/env python3
"""
Take docs/pictures/status-page.png anew: a project of a running lab, on the status page.

    make lab     # then a push and a promotion, as it prints
    .venv/bin/python script/picture_of_status_page.py [PROJECT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lab.places import Places  # noqa: E402
from tests.browser import Browser  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "status-page.png"


def main(project: str = "greeter") -> None:
    """Write the picture."""
    file = Places.from_environment().world_file
    if not file.exists():
        sys.exit("error: no lab is up. Start one: make lab")
    with Browser() as browser:
        browser.resize(1120, 900)
        browser.open(f"{json.loads(file.read_text())['status']['url']}/projects/{project}")
        browser.picture(PICTURE)


if __name__ == "__main__":
    main(*sys.argv[1:2])
