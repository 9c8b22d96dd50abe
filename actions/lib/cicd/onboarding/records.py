"""What Consul keeps of a project: its release, runs, history and contract keys."""

from __future__ import annotations

from functools import partial
from typing import Any, Iterator, List, Sequence

from cicd.clients.consul import Connection
from cicd.onboarding import balancer
from cicd.onboarding.item import MISSING, THERE, Item
from cicd.onboarding.membership import as_administrator
from cicd.onboarding.wanted import Wanted
from cicd.release import traffic
from cicd.store.store import Store

HISTORY = ("history/", "archive/", "packages/")


def items(wanted: Wanted, keep_history: bool) -> Iterator[Item]:
    """Yield what Consul keeps, in each datacentre of the project's rings."""
    store, project = Store(as_administrator(wanted.settings)), wanted.project
    for name in ("", *project.lifecycle.datacenters):
        there = store.elsewhere.catalog(name) if name else store
        keys = wanted.settings.version_keys(project, name).values()
        contract = [*keys, traffic.key(project.name), *balancer.names(there, project.name)]
        yield _item(there, project.name, contract, f" in the datacentre {name}" if name else "", keep_history)


def _item(there: Connection, project: str, contract: Sequence[str], where: str, keep_history: bool) -> Item:
    kept = [f"cicd/{project}/{part}" for part in HISTORY] if keep_history else []
    found = _keys(there, project, contract, kept)
    but = " but its history" if keep_history else ""
    return Item(
        f"the keys of {project} in Consul{where}{but}",
        THERE if found else MISSING,
        remove=lambda: _delete(there, project, contract, kept),
    )


def _keys(there: Connection, project: str, contract: Sequence[str], kept: Sequence[str]) -> List[str]:
    found = [key for key in there.keys(f"cicd/{project}/") if not key.startswith(tuple(kept))]
    return [*found, *(key for key in contract if there.item(key))]


def _delete(there: Connection, project: str, contract: Sequence[str], kept: Sequence[str]) -> None:
    for key in _keys(there, project, contract, kept):
        there.ask(partial(_drop, key))


def _drop(key: str, client: Any) -> object:
    return client.kv.delete(key)
