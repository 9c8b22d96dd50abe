"""
What a year of deploys leaves in Consul, in st2local's file and on a build host, beside stated limits.

In Consul that is every key that a deploy writes, and the nights between.

What is bounded by a number is written by every deploy until each number is reached, then by every fiftieth.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import requests
import yaml

# StackStorm alone has actions/lib on its path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from bench import report
from bench.mirror import MIRROR_DAYS, BuildHost
from cicd import config
from cicd.ci import authors, event_log, inbox
from cicd.ci.push import Decision, Push
from cicd.clients.consul import Operation, set_
from cicd.config import Settings
from cicd.fleet import rollout_log
from cicd.package.built import Package
from cicd.package.clearance import Clearance
from cicd.package.tree import Tree
from cicd.release import record
from cicd.release.record import Build, Cause, Release, Ring
from cicd.repository.forget import SWEEP_DAYS, forget
from cicd.repository.package_records import Record
from cicd.repository.retention import DAY_SECONDS, recent
from cicd.store import store
from cicd.store.store import Store
from st2local import clock
from st2local.cli import KEPT_DAYS
from st2local.database import Database
from st2local.engine import statuses
from st2local.engine.garbage import Garbage
from tests.conftest import server

ROOT = Path(__file__).resolve().parents[1]
PROJECT, REPOSITORY = "greeter", "acme/greeter"
DEPLOYS_A_DAY = 200
START = datetime(2026, 6, 1, tzinfo=UTC)
FULL, RARELY = 2500, 50
MOST_AT_ONCE = 64  # operations that Consul takes in one transaction
CHANGES = (
    ("advertise_canary", "canary"),
    ("confirm", "canary"),
    ("promote", "production"),
    ("confirm", "production"),
)
# What `docs/consul.md` promises of one busy project; of the archive, for each 1000 deploys that are kept.
MOST_KEYS = 5000
MOST_ARCHIVE_KEYS = 60
MOST_ARCHIVE_BYTES = 500_000
MOST_NIGHTLY_REQUESTS = 600
PUBLISHED_DAYS = 30
PATIENCE_SECONDS = 300  # on a busy machine a question takes longer than a deploy would wait
# A push that reaches production leaves 240 KB in st2local's file: as much as so many simulated workflows.
WORKFLOWS_A_DEPLOY = 9
MOST_FILE_BYTES = 300_000  # what `docs/st2local.md` promises of one deploy, as long as it is kept


@dataclass(frozen=True)
class Left:
    """What Consul keeps: keys that are not archive, and the archive."""

    keys: int
    key_bytes: int
    archive_keys: int
    archive_bytes: int


class Year:
    """One project, deployed again and again; the clock is the simulation's."""

    def __init__(self, settings: Settings, began: float, per_day: int = DEPLOYS_A_DAY) -> None:
        self._settings = settings
        self._per_day = per_day
        self._store = Store(settings)
        self.now = began
        self.deploys = 0
        self.night_requests = 0
        self._release = Release(PROJECT)
        self._unwritten: list[Operation] = []

    def pass_days(self, days: int) -> None:
        """Let *days* pass, each with its deploys and its night."""
        for _ in range(days):
            for _ in range(self._per_day):
                self.now += DAY_SECONDS / self._per_day
                with mock.patch("time.time", return_value=self.now):
                    self._deploy()
            with mock.patch("time.time", return_value=self.now):
                self._sleep()

    def left(self) -> Left:
        """Return what Consul keeps now."""
        items = self._store.ask(lambda c: c.kv.get("", recurse=True)[1]) or []
        sizes = {one["Key"]: len(one["Key"]) + len(one["Value"] or b"") for one in items}
        archive = [size for key, size in sizes.items() if "/archive/" in key]
        return Left(len(sizes) - len(archive), sum(sizes.values()) - sum(archive), len(archive), sum(archive))

    def _deploy(self) -> None:
        self.deploys += 1
        commit = hashlib.sha1(str(self.deploys).encode(), usedforsecurity=False).hexdigest()
        version = f"1.{self.deploys // 500}.0-{self.deploys}.{commit[:7]}"
        build = Build(version, PROJECT, commit, _digest(version), f"{REPOSITORY}@{commit}", ("ann",))
        self._unwritten.append(self._published(commit, version))
        for what, ring in CHANGES:
            self._unwritten.append(self._change(what, ring, build, commit))
            self._tidy()
        if self.deploys <= FULL or self.deploys % RARELY == 0:
            self._push(commit)
            self._roll_out(self._release.generation)

    def _tidy(self) -> None:
        """Write what many deploys leave at once, and then do what a deploy does after its own."""
        generation = self._release.generation
        if generation % store.FOLDED_AT_ONCE == 0 or len(self._unwritten) == MOST_AT_ONCE - 1:
            self._write()
            self._store.tidy(PROJECT, generation)

    def _write(self) -> None:
        known = set_(f"cicd/{PROJECT}/release", json.dumps(record.to_json(self._release)))
        self._store.commit([*self._unwritten, known])
        self._unwritten = []

    def _push(self, commit: str) -> None:
        push = Push(REPOSITORY, "refs/heads/main", commit)
        inbox.put(self._store, {"repository": REPOSITORY, "commit": commit, "ref": "refs/heads/main"})
        decision = Decision(True, "it moved the branch that is deployed")
        event_log.record(self._store, push, PROJECT, decision, "github", self.now)
        authors.add(self._store, PROJECT, commit, ["ann", "bob"])
        times = {str(step): [self.now, 12.5, "0" * 24] for step in range(2, 20)}
        run = {"stage": "passed", "at": self.now, "build": self.deploys, "user": "ann", "times": times}
        self._store.put(f"cicd/{PROJECT}/runs/{commit}", run)
        event_log.forget_runs(self._store, PROJECT)

    def _published(self, commit: str, version: str) -> Operation:
        package = Package(PROJECT, version, commit, f"{REPOSITORY}@{commit}", _digest(version))
        papers = f"http://apt.example.com/papers/{PROJECT}/{version}"
        clearance = Clearance(self.deploys)
        known = Record(package, "build1", "nfpm", papers, _digest(commit), clearance, Tree()).as_json()
        return set_(f"cicd/{PROJECT}/packages/{version}", json.dumps(known))

    def _change(self, what: str, ring: str, build: Build, execution: str) -> Operation:
        before, generation = self._release, self._release.generation + 1
        wanted = Ring("healthy", build, build, before.ring(ring).last_good, generation, self.now)
        self._release = dataclasses.replace(before.with_ring(ring, wanted), generation=generation)
        cause = Cause("ann", "CI passed", self.now, execution[:24])
        entry = {**record.audit(before, self._release, what, ring, cause), "id": execution[:32]}
        key = f"cicd/{PROJECT}/history/{generation:08d}"
        return set_(key, json.dumps(entry))

    def _roll_out(self, generation: int) -> None:
        key = rollout_log.key(PROJECT, generation)
        self._store.put(
            key, {"state": "ended", "hosts": {f"web{n}": {"state": "converged"} for n in range(9)}}
        )
        for old in sorted(self._store.keys(f"{key.rpartition('/')[0]}/"))[: -rollout_log.KEPT]:
            self._store.delete(old)

    def _sleep(self) -> None:
        asked, ask = 0, Store.ask

        def counted(asked_of: Store, question: Any) -> Any:
            nonlocal asked
            asked += 1
            return ask(asked_of, question)

        self._write()
        with mock.patch("cicd.clients.consul.Connection.ask", counted):
            if self.deploys % (self._per_day * SWEEP_DAYS) == 0:  # it reads alone, so that it leaves nothing
                self._read_published()
            forget(self._settings, PROJECT)
        self.night_requests = max(self.night_requests, asked)

    def _read_published(self) -> None:
        since = self.now - DAY_SECONDS * PUBLISHED_DAYS
        for _ in recent(self._store.changes(PROJECT).newest_first(), self._release, since):
            pass


def limits(
    left: Left, year: Year, kept_days: float, per_day: int = DEPLOYS_A_DAY
) -> dict[str, tuple[float, float]]:
    """Return each figure with the limit that it must stay below."""
    kept = min(year.deploys, per_day * kept_days) / 1000 + 1
    return {
        "keys": (left.keys, MOST_KEYS),
        "archive keys": (left.archive_keys, MOST_ARCHIVE_KEYS * kept),
        "archive bytes": (left.archive_bytes, MOST_ARCHIVE_BYTES * kept),
        "requests of a night": (year.night_requests, MOST_NIGHTLY_REQUESTS),
    }


def day(number: float) -> str:
    return clock.to_text(START + timedelta(days=number))


def st2_deploy(
    database: Database, name: str, at: str, status: str = statuses.SUCCEEDED, handled: int = 1
) -> None:
    """A workflow of three steps, one of them a workflow too, with all that StackStorm keeps of it."""
    with database.transaction():
        for child, parent in (
            (name, None),
            (f"{name}.1", name),
            (f"{name}.2", name),
            (f"{name}.1.1", f"{name}.1"),
        ):
            ended = status if child == name else statuses.SUCCEEDED
            known = {
                "id": child,
                "parent": parent,
                "status": ended,
                "start_timestamp": at,
                "document": "x" * 2000,
            }
            times = {"end_timestamp": at if ended in statuses.COMPLETED else None, "handled": handled}
            database.insert("executions", {**known, **times, "result": "y" * 3000})
            database.insert("output", {"execution": child, "timestamp": at, "data": "z" * 100})
            database.insert("trace_components", {"trace": f"t{name}", "object": child, "updated_at": at})
        database.insert("workflows", {"id": f"w{name}", "execution": name, "state": "s" * 4000})
        database.insert("tasks", {"id": f"k{name}", "workflow": f"w{name}", "result": "{}"})
        database.insert("trigger_instances", {"id": f"i{name}", "status": "processed", "occurrence_time": at})
        database.insert("enforcements", {"id": f"e{name}", "enforced_at": at, "execution": name})
        database.insert("traces", {"id": f"t{name}", "tag": name, "start_timestamp": at})


def st2local_file(database: Database, days: int, kept: int, per_day: int) -> tuple[int, float]:
    """Let *days* of deploys pass, of which *kept* stay: the largest that the file was, and what it may be."""
    garbage, largest = Garbage(database, kept), 0
    for number in range(days):
        with database.transaction():
            for begun in range(per_day * WORKFLOWS_A_DEPLOY):
                st2_deploy(database, f"{number}-{begun}", day(number))
        garbage.collect(day(number - kept))
        largest = max(largest, database.path.stat().st_size)
    return largest, MOST_FILE_BYTES * per_day * (kept + 2)


def settings(url: str, days: int) -> Settings:
    """Return a configuration for the Consul at *url* that keeps *days* of history."""
    values = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
    return config.parse({**values, "consul": {"url": url, "keep_history_days": days}})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.year", description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--keep", type=int, default=400, help="days of history that are kept")
    parser.add_argument("--mirror-days", type=int, default=MIRROR_DAYS + 1, help="days of builds on a host")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as url:
        requests.delete(f"{url}/v1/kv/?recurse", timeout=10)
        year = Year(settings(url, arguments.keep), time.time())
        began = time.monotonic()
        with mock.patch("cicd.clients.consul.TIMEOUT_SECONDS", PATIENCE_SECONDS):
            year.pass_days(arguments.days)
        left = year.left()
        took = time.monotonic() - began
        database = Database(Path(folder) / "st2local.sqlite")
        file = st2local_file(database, arguments.days, KEPT_DAYS, DEPLOYS_A_DAY)
        host = BuildHost(Path(folder) / "build")
        for _ in range(arguments.mirror_days):
            host.pass_day(DEPLOYS_A_DAY)
    found = limits(left, year, arguments.keep + 30)
    found |= {"bytes of st2local's file": file, **host.limits(DEPLOYS_A_DAY)}
    rows = [report.row(what, f"of {limit:.0f}", [value]) for what, (value, limit) in found.items()]
    report.write("year", [*rows, report.row("took", "s", [took])], {})
    over = [what for what, (value, limit) in found.items() if value > limit]
    if over:
        raise SystemExit(f"above the limit: {', '.join(over)}")


if __name__ == "__main__":
    main()
