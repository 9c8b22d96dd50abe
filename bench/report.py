"""How a benchmark is told: a table of medians, the promised figures, and a file with both."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "build" / "bench"


def row(what: str, unit: str, values: Sequence[float]) -> dict[str, Any]:
    """Return one row of the report."""
    return {
        "what": what, "n": len(values), "median": statistics.median(values), "min": min(values),
        "max": max(values), "unit": unit,
    }  # fmt: skip


def write(name: str, rows: Sequence[Mapping[str, Any]], ratios: Mapping[str, float]) -> None:
    """Print the table of the benchmark *name*, and keep it as build/bench/<name>.json."""
    print(f"{'':62} {'median':>10} {'min':>10} {'max':>10}")
    for one in rows:
        print(f"{one['what']:62} {one['median']:10.2f} {one['min']:10.2f} {one['max']:10.2f} {one['unit']}")
    for key, value in ratios.items():
        print(f"{key:62} {value:10.4f}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found = {"name": name, "machine": machine, "date": datetime.now(UTC).isoformat(), "rows": rows}
    (FOLDER / f"{name}.json").write_text(json.dumps({**found, "ratios": ratios}, indent=2) + "\n")
    print(f"written to build/bench/{name}.json")
