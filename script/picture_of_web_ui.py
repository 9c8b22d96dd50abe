#!/usr/bin/env python3
"""
Take docs/pictures/web-ui.png anew: the newest push of a running lab, in StackStorm's web UI.

    ST2WEB=DIR make lab     # and a push, as it prints
    .venv/bin/python script/picture_of_web_ui.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lab.places import Places  # noqa: E402
from tests.browser import Browser  # noqa: E402
from tests.conformance.rest import Rest  # noqa: E402
from tests.st2local.web_ui import WebUi, marked  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "web-ui.png"
SHOWN, STEP = "cicd.ci_success", "publish_apt_package"


def main() -> None:
    """Write the picture."""
    file = Places.from_environment().world_file
    stackstorm = json.loads(file.read_text())["stackstorm"] if file.exists() else {}
    if "web_url" not in stackstorm:
        sys.exit("error: no lab with a web UI is up. Start one: ST2WEB=DIR make lab")
    with Browser() as browser:
        browser.resize(1120, 640)
        take(WebUi(browser, stackstorm["web_url"]), stackstorm)


def take(ui: WebUi, stackstorm: dict[str, str]) -> None:
    """Show what became of the newest push, step by step, and take its picture."""
    user, password = Path(stackstorm["password_file"]).read_text().strip().split(":", 1)
    ui.log_in(user, password)
    token = json.loads(ui.browser.run("return localStorage.getItem('st2Session')"))["token"]["token"]
    rest = Rest(stackstorm["api_url"], {"X-Auth-Token": token})
    newest = rest.first(f"/executions?action={SHOWN}&parent=null&limit=1&include_attributes=id")["id"]
    ui.show(f"/history/{newest}")
    ui.see_in(f"{marked('details')} {marked('status')}", "Succeeded")
    ui.click(f"{marked(f'execution:{newest}')} i.icon-chevron_right")
    ui.see(STEP)
    ui.browser.picture(PICTURE)


if __name__ == "__main__":
    main()
