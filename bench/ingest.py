"""What it costs to take a push: durably, only verified, or only answered; and how soon a rule has it."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from bench import alarms, load, pushes, report
from bench.process import cpu_seconds
from gateway.spool import Spool
from lab.hosts.keys import write_secret
from tests.conformance.local import Local, free_ports

ROOT = Path(__file__).resolve().parents[1]
SECRET = b"secret-of-the-benchmark"
TOKEN = "token-of-the-benchmark"
ALARMS = "groups of two alarms, 200 requests/s"
EVENTS, IDLE_CONNECTIONS = 300_000, 256
CONNECTIONS = 32
RATE = 200
CROWDED = "durable, 200 requests/s, 256 idle connections, 300,000 events"
KINDS = {"gateway": "durable", "verify": "verify only", "answer": "answer only"}
RULE = {
    "name": "on_push",
    "description": "Does nothing with a push.",
    "enabled": True,
    "trigger": {"type": "core.st2.webhook", "parameters": {"url": "cicd/github"}},
    "action": {"ref": "core.noop"},
}


class Server:
    """One server under measurement, alone on one core."""

    def __init__(self, kind: str, folder: Path, api_url: str, key: str) -> None:
        (self.port,) = free_ports(1)
        self.kind = kind
        folder.mkdir()
        for name, text in {"key": key, "secret": SECRET.decode(), "token": TOKEN}.items():
            write_secret(folder / name, text)
        settings = {
            "listen": {"host": "127.0.0.1", "port": self.port},
            "stackstorm": {"api_url": api_url, "api_key_file": str(folder / "key")},
            "github": {"secret_files": [str(folder / "secret")]},
            "jenkins": {"token_file": str(folder / "token")},
            "spool": str(folder / "spool.sqlite"),
        }
        path = folder / "gateway.yaml"
        path.write_text(yaml.safe_dump(settings))
        words = ["gateway", "--config"] if kind == "gateway" else ["bench.receivers", kind]
        self.spool = folder / "spool.sqlite"
        self.command = [sys.executable, "-m", *words, str(path)]

    def idle(self) -> bool:
        """Return whether nothing waits to be forwarded."""
        return self.kind != "gateway" or self._health()["waiting"] == 0

    def _health(self) -> Any:
        return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10).json()


@contextmanager
def running(command: list[str], port: int, core: int) -> Iterator[int]:
    """Run *command* on *core* until it listens on *port*, and yield its process id."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, preexec_fn=lambda: _stay_on(core)
    )
    try:
        wait_for(lambda: _listens(port))
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def wait_for(question: Callable[[], bool], seconds: float = 60) -> None:
    """Return once *question* is true."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise TimeoutError("a server of the benchmark does not do what it should")
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stay_on(core: int) -> None:
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


Rows = dict[str, list[float]]


def take_burst(server: Server, pid: int, number: int, rows: Rows) -> None:
    """Send *number* pushes over 32 connections, and note what they took."""
    sent, what = pushes.requests(SECRET, number), KINDS[server.kind]
    used, began = cpu_seconds(pid), time.perf_counter()
    rate, took = asyncio.run(load.burst(server.port, sent, CONNECTIONS))
    rows.setdefault(f"{what}, 32 connections|requests/s", []).append(rate)
    note_latency(f"{what}, 32 connections", took, rows)
    wait_for(server.idle)
    rows.setdefault(f"{what}, everything done|requests/s", []).append(number / (time.perf_counter() - began))
    rows.setdefault(f"{what}, processor time|us", []).append((cpu_seconds(pid) - used) / number * 1e6)


def take_steady(server: Server, pid: int, number: int, rows: Rows) -> None:
    """Send *number* pushes at 200/s, and note what they took."""
    took = asyncio.run(load.steady(server.port, pushes.requests(SECRET, number), RATE, CONNECTIONS))
    note_latency(f"{KINDS[server.kind]}, {RATE} requests/s", took, rows)
    wait_for(server.idle)


def take_alarms(server: Server, number: int, rows: Rows) -> None:
    """Send *number* groups of two alarms at 200/s to the gateway, and note what they took."""
    took = asyncio.run(load.steady(server.port, alarms.requests(TOKEN, number), RATE, CONNECTIONS))
    note_latency(ALARMS, took, rows)
    wait_for(server.idle)


def take_crowded(folder: Path, number: int, rows: Rows) -> None:
    """Send *number* pushes at 200/s beside idle connections, to a full spool that a monitor looks at."""
    (port,) = free_ports(1)
    taker = [sys.executable, "-m", "bench.receivers", "stackstorm", str(port)]
    server = Server("gateway", folder / "crowded", f"http://127.0.0.1:{port}/v1", "key-of-the-benchmark")
    fill(server.spool)
    with ExitStack() as stack:
        stack.enter_context(running(taker, port, core=0))
        stack.enter_context(running(server.command, server.port, core=1))
        for _ in range(IDLE_CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        stack.enter_context(looking(server))
        took = asyncio.run(load.steady(server.port, pushes.requests(SECRET, number), RATE, CONNECTIONS))
        note_latency(CROWDED, took, rows)


def fill(path: Path) -> None:
    """Put EVENTS settled events into the spool *path*."""
    rows = ((f"old-{number}", f"k{number}", time.time()) for number in range(EVENTS))
    insert = """INSERT INTO event (source, delivery, key, received, lane, trace, body, raw, state)
        VALUES ('github', ?, ?, ?, 'acme/greeter', '', '{}', x'', 'forwarded')"""
    with closing(Spool(path)), closing(sqlite3.connect(path)) as database:
        database.executemany(insert, rows)
        database.commit()


@contextmanager
def looking(server: Server) -> Iterator[None]:
    """Ask for health and figures ten times a second within this context."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            for page in ("healthz", "metrics"):
                requests.get(f"http://127.0.0.1:{server.port}/{page}", timeout=10).raise_for_status()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def note_latency(what: str, took: list[float], rows: Rows) -> None:
    """Note the median and the 99th percentile of *took*."""
    cuts = statistics.quantiles(took, n=100)
    rows.setdefault(f"{what}, p50|ms", []).append(cuts[49] * 1000)
    rows.setdefault(f"{what}, p99|ms", []).append(cuts[98] * 1000)


def measure(folder: Path, rounds: int, number: int) -> Rows:
    """Take every figure *rounds* times, the servers one after the other in each round."""
    (port,) = free_ports(1)
    taker = [sys.executable, "-m", "bench.receivers", "stackstorm", str(port)]
    servers = [
        Server(kind, folder / kind, f"http://127.0.0.1:{port}/v1", "key-of-the-benchmark") for kind in KINDS
    ]
    rows: Rows = {}
    with ExitStack() as stack:
        stack.enter_context(running(taker, port, core=0))
        pids = [stack.enter_context(running(server.command, server.port, core=1)) for server in servers]
        for server, pid in zip(servers, pids, strict=True):
            take_burst(server, pid, number // 4, {})
        for _ in range(rounds):
            for server, pid in zip(servers, pids, strict=True):
                take_burst(server, pid, number, rows)
            for server, pid in zip(servers, pids, strict=True):
                take_steady(server, pid, number, rows)
            take_alarms(servers[0], number, rows)
    return rows


def accept_to_rule(folder: Path, times: int) -> list[float]:
    """Return the milliseconds from a 202 until the rule's action of an idle st2local exists."""
    pack = folder / "ingest"
    (pack / "rules").mkdir(parents=True)
    about = {"name": "ingest", "description": "One rule.", "version": "1.0.0", "author": "cicd"}
    (pack / "pack.yaml").write_text(yaml.safe_dump(about))
    (pack / "rules" / "on_push.yaml").write_text(yaml.safe_dump(RULE))
    local = Local(folder / "st2local", packs=[pack])
    rest = local.start()
    try:
        key = rest.ask("POST", "/apikeys", {}).json()["key"]
        server = Server("gateway", folder / "one", f"http://127.0.0.1:{local.api_port}/v1", key)
        with running(server.command, server.port, core=1):
            return [_until_rule(rest, server) for _ in range(times)]
    finally:
        local.stop()


def _until_rule(rest: Any, server: Server) -> float:
    (request,) = pushes.requests(SECRET, 1)
    seen = {one["id"] for one in rest.get("/executions/?action=core.noop&limit=200")}
    asyncio.run(load.burst(server.port, [request], 1))
    accepted = time.time()
    new: list[Any] = []
    while not new:
        time.sleep(0.002)
        new = [one for one in rest.get("/executions/?action=core.noop&limit=5") if one["id"] not in seen]
    time.sleep(0.1)
    return max(0.0, datetime.fromisoformat(new[0]["start_timestamp"]).timestamp() - accepted) * 1000


def ratios(rows: Rows, to_rule: list[float]) -> dict[str, float]:
    """Return the figures that are promised."""
    rates = [rows[f"{KINDS[kind]}, 32 connections|requests/s"] for kind in KINDS]
    cpu = [rows[f"{KINDS[kind]}, processor time|us"] for kind in KINDS]
    return {
        "durable_over_verify_only": _ratio(rates[0], rates[1]),
        "durable_over_answer_only": _ratio(rates[0], rates[2]),
        "verify_only_over_durable_processor_time": _ratio(cpu[1], cpu[0]),
        "p99_ms_at_200_per_s": statistics.median(rows[f"durable, {RATE} requests/s, p99|ms"]),
        "alarms_p99_ms_at_200_per_s": statistics.median(rows[f"{ALARMS}, p99|ms"]),
        "p99_ms_crowded": statistics.median(rows[f"{CROWDED}, p99|ms"]),
        "idle_accept_to_rule_ms": statistics.median(to_rule),
    }


def _ratio(these: list[float], those: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(these, those, strict=True))


def main() -> None:
    """Measure the gateway beside its competitors, then with an st2local behind it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pushes", type=int, default=1000)
    told = parser.parse_args()
    _stay_on(0)
    size = len(pushes.body(1))
    print(f"measuring {told.rounds} rounds of {told.pushes} pushes of {size} bytes, each server on one core")
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as directory:
        rows = measure(Path(directory), told.rounds, told.pushes)
        take_crowded(Path(directory), told.pushes, rows)
        to_rule = accept_to_rule(Path(directory), 4 * told.rounds)
    made = [report.row(key.partition("|")[0], key.partition("|")[2], values) for key, values in rows.items()]
    made.append(report.row("accepted to the rule's action, idle", "ms", to_rule))
    report.write("ingest", made, ratios(rows, to_rule))


if __name__ == "__main__":
    main()
