"""What executing costs: one action, a workflow of ten, a hundred at once, and a long history."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.history import fill
from tests.conformance.local import Local
from tests.conformance.rest import Rest

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "build" / "bench" / "runner.json"
HISTORY = 10_000


def seconds(do: Callable[[], Any]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def bare_python() -> float:
    """Start Python and do nothing."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))


def imports() -> float:
    """Start Python and import what the wrapper of an action does."""
    wrapper = ROOT / "st2local" / "wrapper"
    code = "import marshal, importlib.machinery; from st2common.runners import base_action, loader"
    env = {**os.environ, "PYTHONPATH": str(wrapper)}
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True, env=env))


def quick_run(rest: Rest, action: str, parameters: dict[str, Any] | None = None) -> float:
    """Ask for an execution and wait for its end, looking every two milliseconds."""
    began = time.perf_counter()
    identifier = rest.start(action, parameters)["id"]
    while rest.get(f"/executions/{identifier}?include_attributes=status")["status"] != "succeeded":
        time.sleep(0.002)
    return time.perf_counter() - began


def hundred(rest: Rest) -> float:
    """Queue a hundred executions at once and wait for the last."""
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda _: rest.start("core.noop")["id"], range(100)))
    for identifier in started:
        rest.wait(identifier)
    return time.perf_counter() - began


def listing(rest: Rest) -> float:
    """List the newest fifty executions, as `st2 execution list` does; the mean of ten times."""
    return seconds(lambda: [rest.get("/executions/?limit=50&parent=null") for _ in range(10)]) / 10


def warm_up(rest: Rest) -> None:
    """Have everything read and compiled once."""
    quick_run(rest, "probe.ten")
    for _ in range(5):
        listing(rest)


def measure(empty: Rest, full: Rest, tries: int) -> dict[str, list[float]]:
    """Take every figure `tries` times, one after the other in each round."""
    rows: dict[str, list[float]] = {}
    competitors: dict[str, Callable[[], float]] = {
        "bare python": bare_python,
        "python with the wrapper's imports": imports,
        "empty python action, asked for to finished": lambda: quick_run(empty, "probe.echo"),
        "workflow of ten empty python actions": lambda: quick_run(empty, "probe.ten_python"),
    }
    for what, run in COMPARED.items():
        competitors[what] = partial(run, empty)
        competitors[f"{what}{LONG}"] = partial(run, full)
    for _ in range(tries):
        for what, take in competitors.items():
            rows.setdefault(what, []).append(take())
    return rows


LONG = ", long history"
COMPARED: dict[str, Callable[[Rest], float]] = {
    "no-op action, asked for to finished": lambda rest: quick_run(rest, "core.noop"),
    "workflow of ten no-ops": lambda rest: quick_run(rest, "probe.ten"),
    "hundred no-op actions at once": hundred,
    "list of fifty executions": listing,
}


def ratios(rows: dict[str, list[float]]) -> dict[str, float]:
    """Return the figures that are promised."""
    one = {what: statistics.median(values) for what, values in rows.items()}
    python = one["bare python"]
    action = one["empty python action, asked for to finished"] - one["python with the wrapper's imports"]
    return {
        "workflow10_seconds_minus_10_python_starts": one["workflow of ten no-ops"] - 10 * python,
        "history_10000_over_empty": max(one[f"{what}{LONG}"] / one[what] for what in COMPARED),
        "python_action_minus_imports_in_python_starts": action / python,
    }


def bad_inputs(rest: Rest) -> None:
    """What may not fill the memory: an action that prints fifty megabytes, and a body of twenty."""
    rest.run("probe.echo", {"how": "flood", "count": 50})
    answer = rest.ask("POST", "/webhooks/probe/hook", {"word": "x" * 20 * 2**20})
    assert answer.status_code == 413, answer.text


def row(what: str, values: list[float], unit: str = "s") -> dict[str, Any]:
    """Return one row of the report."""
    return {
        "what": what, "n": len(values), "median": statistics.median(values), "min": min(values),
        "max": max(values), "unit": unit,
    }  # fmt: skip


def report(rows: list[dict[str, Any]], promised: dict[str, float]) -> None:
    """Print the table, and keep it."""
    for one in rows:
        print(f"{one['what']:62} {one['median']:10.4f} {one['min']:10.4f} {one['max']:10.4f} {one['unit']}")
    for name, value in promised.items():
        print(f"{name:62} {value:10.4f}")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found = {"name": "runner", "machine": machine, "date": datetime.now(UTC).isoformat(), "rows": rows}
    OUTPUT.write_text(json.dumps({**found, "ratios": promised}, indent=2) + "\n")
    print(f"written to {OUTPUT.relative_to(ROOT)}")


def main() -> None:
    """Measure a server without history beside one with a long one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=7)
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory() as directory:
        servers = [Local(Path(directory) / name) for name in ("empty", "full")]
        for server in servers:
            hundred(server.start())
            server.stop()
        fill(servers[1].directory / "data" / "st2local.sqlite", HISTORY)
        empty, full = (server.start() for server in servers)
        warm_up(empty)
        warm_up(full)
        memory = [server.memory() / 2**20 for server in servers]
        print(f"measuring {tries} rounds, with no history and with {HISTORY} executions of it")
        figures = measure(empty, full, tries)
        memory += [server.memory() / 2**20 for server in servers]
        bad_inputs(empty)
        memory.append(servers[0].memory() / 2**20)
        for server in servers:
            server.stop()
    names = [f"resident memory {when}{history}" for when in ("before", "after") for history in ("", LONG)]
    names.append("resident memory after bad inputs")
    rows = [row(what, values) for what, values in figures.items()]
    rows += [row(name, [value], "MiB") for name, value in zip(names, memory, strict=True)]
    report(rows, ratios(figures))


if __name__ == "__main__":
    main()
