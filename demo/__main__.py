"""`python -m demo`: a lab, six commits, a report; and the lab is gone again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from demo import report
from demo.stackstorm import StackStorm
from demo.stories import LONG_STORIES, STORIES, StoryFailed, Teller
from demo.view import View
from demo.world import ROOT, World

LAB = Path(os.environ.get("LAB_ROOT") or ROOT / "build" / "lab")
REPORT = ROOT / "build" / "demo"


def main() -> int:
    """Tell the stories in a fresh lab and return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    try:
        return _tell(started) if _lab("up") == 0 else 1
    except KeyboardInterrupt:
        print("\ninterrupted; taking the lab down", file=sys.stderr)
        return 130
    finally:
        _lab("down")


def _tell(started: float) -> int:
    world, view = World.read(LAB), View()
    teller = Teller(world, StackStorm(world.description["stackstorm"]), view)
    stories = [_told(teller, name, story) for name, story in (*STORIES, *LONG_STORIES)]
    steps = next(iter(view.steps.values()), [])
    found = report.report(world, stories, steps, time.monotonic() - started)
    report.write(REPORT, found, steps)
    _close(found)
    return 0 if all(story["passed"] for story in stories) and len(steps) == 19 else 1


def _told(teller: Teller, name: str, story: Any) -> dict[str, Any]:
    teller.view.title(f"{name}")
    try:
        story(teller)
    except (StoryFailed, TimeoutError) as error:
        teller.view.verdict(False, str(error))
        return {"name": name, "passed": False, "error": str(error)}
    teller.view.verdict(True, story.__doc__.strip())
    return {"name": name, "passed": True}


def _close(found: dict[str, Any]) -> None:
    passed = sum(story["passed"] for story in found["stories"])
    print(f"\n{passed} of {len(found['stories'])} stories passed in {found['total_seconds']:.0f} s")
    for host in found["hosts"]:
        health = "healthy" if host["healthy"] else "NOT healthy"
        print(f"  {host['name']:<6} {host['ring']:<11} {host['address']:<13} {host['version']}  {health}")
    print(f"report    {REPORT / 'report.json'}\npicture   {REPORT / 'timeline.svg'}")
    print("stay in this world with: make lab")


def _lab(*words: str) -> int:
    # A group of its own: Ctrl-C is the demo's to answer, by taking the lab down.
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "lab", *words]
    return subprocess.run(command, cwd=ROOT, process_group=0, check=False).returncode


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
