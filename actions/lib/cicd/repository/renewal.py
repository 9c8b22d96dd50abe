"""Sign the indexes of the repository anew before clients refuse them as too old."""

from __future__ import annotations

import time
from typing import List, TypedDict

from cicd.config import Settings
from cicd.repository import signing_keys
from cicd.repository.apt_index import Repository
from cicd.repository.index_age import is_due
from cicd.store.store import Store


class Renewed(TypedDict):
    """The distributions whose index was signed anew."""

    renewed: List[str]


def distributions(settings: Settings) -> list[str]:
    """Return every distribution that some project is published in, the repository's own first."""
    found = [settings.repository.distribution]
    found += [name for project in settings.projects.values() for name in settings.distributions(project)]
    return list(dict.fromkeys(found))


def renew(settings: Settings) -> Renewed:
    """Sign anew each published index whose time is half over; return which were `renewed`."""
    repository, days, now = Repository(settings), settings.repository.valid_days, time.time()
    seen = {name: repository.release(name) for name in distributions(settings)}
    due = [name for name, release in seen.items() if release is not None and is_due(release, days, now)]
    if due:
        from cicd.clients.ssh import Shell  # nearly every hour none is due
        from cicd.repository.publish import PUBLISH_TIMEOUT_SECONDS, index_arguments, repository_host

        arguments = index_arguments(settings, due, settings.repository.component)
        store = Store(settings)
        with Shell(settings, repository_host(store, settings)) as shell:
            signing_keys.keep(store, shell.script("renew_index", arguments, PUBLISH_TIMEOUT_SECONDS))
    return {"renewed": due}
