"""What the demo leaves: build/demo/report.json and a picture of the run, timeline.svg."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from demo.steps import Step
from demo.world import World

PROJECT = "greeter"
ROW, LEFT, WIDTH = 26, 400, 760


def report(world: World, stories: list[dict[str, Any]], steps: list[Step], total: float) -> dict[str, Any]:
    """Return what the demo found, in the shape of report.json; *steps* are those of the first commit."""
    described = world.description
    return {
        "project": PROJECT,
        "engine": described["stackstorm"]["engine"],
        "builder": described["package"]["driver"],
        "repository": described["repository"]["driver"],
        "total_seconds": round(total, 1),
        "versions": {
            "canary": world.key(f"{PROJECT}::canary_version"),
            "production": world.key(f"{PROJECT}::version"),
        },
        "hosts": _hosts(world),
        "steps": [
            {
                "number": step.number,
                "name": step.name,
                "seconds": step.seconds,
                "execution_id": step.execution_id,
            }
            for step in steps
        ],
        "stories": stories,
    }


def write(folder: Path, found: dict[str, Any], steps: list[Step]) -> None:
    """Write report.json and timeline.svg into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(found, indent=2) + "\n")
    (folder / "timeline.svg").write_text(timeline(steps))


def timeline(steps: list[Step]) -> str:
    """Return an SVG of *steps*: a bar for each, from its start to its end."""
    first = min((step.started for step in steps), default=0.0)
    last = max((step.started + step.seconds for step in steps), default=1.0)
    scale = WIDTH / max(last - first, 0.1)
    rows = "\n".join(_row(index, step, first, scale) for index, step in enumerate(steps))
    height = ROW * len(steps) + 56
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {height}" '
        'font-family="system-ui, sans-serif" font-size="14">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="20" y="28" font-size="17" font-weight="600">From git push to production: '
        f"{last - first:.0f} s</text>\n{rows}\n</svg>\n"
    )


def _row(index: int, step: Step, first: float, scale: float) -> str:
    top = 44 + ROW * index
    left = LEFT + (step.started - first) * scale
    width = max(step.seconds * scale, 2)
    colour = "#2f7d6d" if step.status == "succeeded" else "#b3382c"
    return (
        f'<text x="52" y="{top + 16}" fill="#1d2b36">{escape(step.name)}</text>'
        f'<text x="40" y="{top + 16}" fill="#71808c" text-anchor="end">{step.number}</text>'
        f'<rect x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="16" rx="3" fill="{colour}"/>'
        f'<text x="{left + width + 6:.1f}" y="{top + 16}" fill="#71808c" font-size="12">'
        f"{step.seconds:.1f} s</text>"
    )


def _hosts(world: World) -> list[dict[str, Any]]:
    healthy = world.healthy(PROJECT)
    return [
        {
            "name": host["name"],
            "ring": host["ring"],
            "address": host["address"],
            "version": world.installed(host, PROJECT).rpartition("|")[2],
            "healthy": healthy.get(host["name"], False),
        }
        for ring in ("canary", "production")
        for host in world.hosts(ring)
    ]
