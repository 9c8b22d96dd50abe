"""Every place that a project needs something in, in the order in which it is made there."""

from __future__ import annotations

from typing import Callable, Iterator, List, Sequence

from cicd.onboarding import balancer, consul_acl, host_files, jenkins_job, project_file, records, webhook
from cicd.onboarding.item import Item
from cicd.onboarding.wanted import Wanted

# Rights come before who needs them, and the file of the project last: with it the pack begins to deploy.
PLACES: Sequence[Callable[[Wanted], Iterator[Item]]] = (
    consul_acl.items,
    host_files.items,
    balancer.items,
    jenkins_job.items,
    webhook.items,
    project_file.items,
)


def look(wanted: Wanted) -> List[Item]:
    """Return what the project needs, as it is now in each place."""
    return [item for items in PLACES for item in items(wanted)]


def look_back(wanted: Wanted, keep_history: bool) -> List[Item]:
    """
    Return what is to be removed, in that order.

    The file goes first, so that the pack begins nothing anew meanwhile, and the rights last.
    """
    rights, *others = ([*items(wanted)] for items in PLACES)
    return [
        *(item for found in others[::-1] for item in found),
        *records.items(wanted, keep_history),
        *rights,
    ]
