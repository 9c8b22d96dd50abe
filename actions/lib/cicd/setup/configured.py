"""The part of a checkup that says which configuration is read, and of which projects it is silent."""

from __future__ import annotations

from typing import Iterator, Mapping

from cicd.config import Settings
from cicd.finding import GOOD, WRONG, Finding
from cicd.release.record import EVERYTHING
from cicd.sanitize import one_line
from cicd.setup.sensor_life import digest
from cicd.store.snapshot import release_key
from cicd.store.store import Store

PREFIX = "cicd/"


def findings(store: Store, settings: Settings, given: Mapping[str, object]) -> Iterator[Finding]:
    """Yield what stands for the configuration *given*, each file that cannot be used, and what it lacks."""
    folder = f", files of {settings.projects_dir} among them" if settings.projects_dir else ""
    count = len(settings.projects)
    said = f"actions read the configuration {digest(given)} with {count} project{'s' * (count != 1)}{folder}"
    yield Finding("configuration", GOOD, said)
    for name, error in sorted(settings.unusable.items()):
        yield Finding(f"configuration of {name}", WRONG, error.message, error.hint)
    known = {*settings.projects, *settings.unusable}
    for target in settings.notices:
        unknown = [one_line(name, 80) for name in target.projects if name not in known]
        if unknown:
            said = f"names {', '.join(unknown)}, which is not a project"
            yield Finding(f"notices of {target.name}", WRONG, said, "Take it out of the target's `projects`.")
    for name in recorded(store):
        if name not in known:
            fix = (
                "Put its file, or its part of the configuration, back; cicd.remove_project removes it whole."
            )
            said = "Consul has a release of it, and the configuration names no such project"
            yield Finding(f"configuration of {name}", WRONG, said, fix)


def recorded(store: Store) -> Iterator[str]:
    """Yield the projects that Consul has a release of."""
    folders = store.ask(lambda c: c.kv.get(PREFIX, keys=True, separator="/")[1]) or []
    for name in (folder[len(PREFIX) :].rstrip("/") for folder in folders if folder.endswith("/")):
        if name[:1] not in ("", ".") and name != EVERYTHING and store.item(release_key(name)):
            yield name
