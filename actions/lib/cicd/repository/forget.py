"""What Consul may forget of a project: what is older than the days of history that are kept."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Callable, Container

from cicd.clients.consul import D
from cicd.config import Settings
from cicd.package.clearance import StoredClearance
from cicd.package.package_names import Names
from cicd.repository.package_records import Ledger, StoredPackage
from cicd.repository.retention import DAY_SECONDS
from cicd.store.archive import Archive
from cicd.store.store import Store

SWEEP_DAYS = 30  # in so many nights every bucket is looked at once
NIGHTLY = 20_000  # documents of an older pack that are folded in one night


def forget(settings: Settings, project: str, published: Container[str] = ()) -> None:
    """
    Remove of *project* what is old enough, a thirtieth of it a night.

    The records of *published* versions stay, however old they are.
    """
    now = time.time()
    since = now - DAY_SECONDS * settings.consul.keep_history_days
    store, ledger = Store(settings), Ledger(settings)
    store.fold(project, NIGHTLY)
    _fold_records(ledger, Names(settings), project)
    _sweep(store.changes(project), now, lambda entry: float(entry.get("when") or 0) < since)
    _sweep(
        ledger.records(project),
        now,
        lambda known: _published_at(known) < since and known.get("version") not in published,
    )
    for key, granted in store.below(f"cicd/{project}/past_ci/", StoredClearance).items():
        if float(granted.get("when") or 0) < since:
            store.delete(key)


def _fold_records(ledger: Ledger, names: Names, project: str) -> None:
    records, old = ledger.records(project), ledger.old(project)[:NIGHTLY]
    for name in {str(known.get("package", "")) for _, known in records.read(old)} - {""}:
        names.settle(name)
    records.fold(old)


def _sweep(archive: Archive[D], now: float, is_over: Callable[[D], bool]) -> None:
    tonight = int(now // DAY_SECONDS) % SWEEP_DAYS
    for number in archive.buckets():
        if number % SWEEP_DAYS == tonight:
            archive.drop(number, is_over)


def _published_at(known: StoredPackage) -> float:
    try:
        at = datetime.strptime(str(known["published_at"]), "%Y-%m-%dT%H:%M:%SZ")
    except (KeyError, ValueError):
        return time.time()  # nobody knows: it stays
    return at.replace(tzinfo=timezone.utc).timestamp()
