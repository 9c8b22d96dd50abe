"""What is deployed for a project, host by host."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Mapping, Sequence

from cicd.config import Settings
from cicd.consul import Store
from cicd.holds import Holds
from cicd.release import Ring
from cicd.ring import unhealthy

HISTORY_ENTRIES = 10


def of(settings: Settings, project: str) -> dict[str, Any]:
    """Return the rings, the hosts and the last changes of *project*, and a `message` to read."""
    store, found = Store(settings), settings.project(project)
    known = store.release(found.name)
    hosts = _hosts(settings, store, found.name)
    return {
        "generation": known.generation,
        "canary": _ring(known.canary),
        "production": _ring(known.production),
        "hosts": hosts,
        "holds": asdict(known.holds),
        "history": store.history(found.name, HISTORY_ENTRIES),
        "message": _sentence(found.name, _ring(known.canary), _ring(known.production), hosts)
        + _held(known.holds),
    }


def history(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return history *entries* as lines to read: when, who, what, from what to what, why."""
    return "\n".join(_line(entry) for entry in entries) or "nothing was changed yet"


def _line(entry: Mapping[str, Any]) -> str:
    when = datetime.fromtimestamp(float(entry["when"]), tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    moved = f"{entry['from'] or 'nothing'} -> {entry['to'] or 'nothing'}"
    what = str(entry["what"]).replace("_", " ")
    return f"{when}  {entry['who'] or 'unknown'}  {what} on {entry['ring']}: {moved} ({entry['why']})"


def _held(holds: Holds) -> str:
    single = {"locked": holds.lock, "frozen": holds.freeze, "pinned": holds.pin}
    said = [f"{state} by {hold.who}: {hold.why}" for state, hold in single.items() if hold]
    said += [f"{version} is vetoed: {hold.why}" for version, hold in holds.vetoes.items()]
    return "".join(f"; {text}" for text in said)


def _ring(ring: Ring) -> dict[str, Any]:
    return {
        "state": ring.state,
        "version": ring.wanted.version if ring.wanted else "",
        "commit": ring.wanted.commit if ring.wanted else "",
        "trace": ring.wanted.trace if ring.wanted else "",
        "good": ring.good.version if ring.good else "",
        "earlier": ring.earlier.version if ring.earlier else "",
        "generation": ring.generation,
        "since": ring.since,
    }


def _hosts(settings: Settings, store: Store, project: str) -> list[dict[str, Any]]:
    found = settings.project(project)
    entries = sorted(store.health(found), key=lambda entry: str(entry["Node"]["Node"]))
    reasons = unhealthy(entries, [entry["Node"]["Node"] for entry in entries])
    return [_host(settings.canary_tag(found), store, project, entry, reasons) for entry in entries]


def _host(
    canary_tag: str, store: Store, project: str, entry: dict[str, Any], reasons: dict[str, str]
) -> dict[str, Any]:
    name = entry["Node"]["Node"]
    report = store.report(project, name) or {}
    return {
        "name": name,
        "ring": "canary" if canary_tag in entry["Service"]["Tags"] else "production",
        "address": entry["Service"]["Address"] or entry["Node"]["Address"],
        "version": report.get("installed") or "",
        "healthy": name not in reasons,
        "reason": reasons.get(name, ""),
    }


def _sentence(
    project: str, canary: dict[str, Any], production: dict[str, Any], hosts: list[dict[str, Any]]
) -> str:
    sick = [host["name"] for host in hosts if not host["healthy"]]
    health = f"unhealthy: {', '.join(sick)}" if sick else "every host is healthy"
    return (
        f"{project}: production {production['version'] or 'nothing'} ({production['state']}), "
        f"canary {canary['version'] or 'nothing'} ({canary['state']}); {health}"
    )
