#!/usr/bin/env python3
"""
host.py provision FILE, host.py retire FILE: have StackStorm make a host, or take it away; FILE has its name.

ST2_API_URL is StackStorm's API, such as https://stackstorm.example.com/api/v1. The file that ST2_API_KEY_FILE
names has the API key. CICD_PARAMETERS has the parameters of cicd.provision_host, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ENDED = ("succeeded", "failed", "timeout", "canceled", "abandoned")
SECONDS = 3600
PAUSE_SECONDS = 2


def main(words: list[str]) -> int:
    """Do what *words* say; return 1 with a sentence when it cannot be done."""
    actions = {"provision": provision, "retire": retire}
    if len(words) != 2 or words[0] not in actions:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        actions[words[0]](Path(words[1]))
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        print(f"host.py {words[0]}: {error}", file=sys.stderr)
        return 1
    return 0


def provision(file: Path) -> None:
    """Have a host made, and note its name in *file*."""
    host = run("cicd.provision_host", json.loads(setting("CICD_PARAMETERS")))["host"]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{host}\n", encoding="utf-8")
    print(f"{host} serves")


def retire(file: Path) -> None:
    """Have the host in *file* taken away; there is none when its provision failed."""
    if file.exists():
        host = file.read_text(encoding="utf-8").strip()
        run("cicd.retire_host", {"host": host})
        file.unlink()
        print(f"{host} is retired")


def run(action: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run *action* and return its output; RuntimeError says how else it ended."""
    execution = ask("POST", "executions", {"action": action, "parameters": parameters})
    deadline = time.monotonic() + SECONDS
    while execution["status"] not in ENDED and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        execution = ask("GET", f"executions/{execution['id']}")
    result = execution.get("result") or {}
    if execution["status"] != "succeeded":
        raise RuntimeError(
            f"{action} ({execution['id']}) is {execution['status']}: {json.dumps(result)[:500]}"
        )
    return dict(result.get("output") or result.get("result") or {})


def ask(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what StackStorm answers; RuntimeError has its words when it refuses."""
    key = Path(setting("ST2_API_KEY_FILE")).read_text(encoding="utf-8").strip()
    request = urllib.request.Request(
        f"{setting('ST2_API_URL').rstrip('/')}/{path}",
        json.dumps(body).encode() if body else None,
        {"St2-Api-Key": key, "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"StackStorm answered {error.code}: {error.read().decode()[:300]}") from None


def setting(name: str) -> str:
    """Return the variable *name* of the environment."""
    if not os.environ.get(name):
        raise RuntimeError(f"{name} is not set")
    return os.environ[name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
