"""Who counts as an author of a commit: everybody who is known to have written, pushed or asked for it."""

from __future__ import annotations

from typing import Iterable, List, TypedDict

from cicd.store.store import Store


class Authors(TypedDict, total=False):
    """The `names` of the authors of one commit."""

    names: List[str]


KEPT = 2000  # commits of a project
MORE = 100  # until the oldest are forgotten, all at once: that reads every one


def add(store: Store, project: str, commit: str, names: Iterable[str]) -> None:
    """Count *names* among the authors of *commit* of *project*; nobody is ever taken off."""
    more = {name for name in names if name}
    prefix = _prefix(project)

    def joined(document: Authors) -> Authors:
        every = sorted(more | set(document.get("names") or ()))
        return {"names": every}

    if more:
        store.update(key(project, commit), joined)
        _forget_oldest(store, prefix)


def of(store: Store, project: str, commit: str) -> tuple[str, ...]:
    """Return the authors of *commit* that are known, sorted."""
    return named(store.json(key(project, commit), Authors) or {})


def named(document: Authors) -> tuple[str, ...]:
    """Return the authors that *document*, the one of a commit, has."""
    return tuple(str(name) for name in document.get("names") or ())


def key(project: str, commit: str) -> str:
    """Return where the authors of *commit* are kept."""
    return f"{_prefix(project)}{commit}"


def _forget_oldest(store: Store, prefix: str) -> None:
    if len(store.keys(prefix)) <= KEPT + MORE:
        return
    for key, _ in store.by_change(prefix, Authors)[:-KEPT]:
        store.delete(key)


def _prefix(project: str) -> str:
    return f"cicd/{project}/authors/"
