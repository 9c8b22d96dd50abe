"""The push that an event of GitHub tells of. Pure."""

from __future__ import annotations

from datetime import datetime

from cicd import identifiers
from cicd.ci import github_event
from cicd.ci.github_event import (
    AUTHORS_LIMIT,
    BRANCH,
    PATH,
    PATHS_LIMIT,
    ReducedPush,
    Summary,
    items,
    mapping,
)
from cicd.ci.push import HEADS, Push
from cicd.errors import InputError

NONE = "0" * 40
UNKNOWN = "unknown"


class KeptPush(ReducedPush, total=False):
    """The same as Consul keeps it: its `source`, GitHub's `delivery`, and `by` whom if not by a rule."""

    source: str
    by: str
    delivery: str


def reduce(raw: object) -> ReducedPush:
    """
    Return of GitHub's own event, or of one that a gateway reduced, known fields of known patterns.

    No free text is in it. What messages and commits tell is summed up as `cicd`. Raises
    InputError when repository, ref or commit cannot be used.
    """
    kept, given = github_event.fields(raw), mapping(raw)
    odd = github_event.unusable(kept)
    if odd:
        raise InputError(f"{odd[0].upper()}{odd[1:]}.", "It is not built; rename it.")
    return {**kept, "cicd": _checked(given["cicd"]) if "cicd" in given else github_event.summary(raw)}


def parse(event: object) -> Push:
    """Return the push of a reduced *event*; every field is checked again. Raises InputError."""
    kept = reduce(event)
    repository, cicd = kept["repository"], kept["cicd"]
    pusher, sender = kept.get("pusher", {}).get("name", ""), kept.get("sender", {}).get("login", "")
    moved_by = [name for name in (pusher, sender) if name not in ("", UNKNOWN)]
    return Push(
        repository=repository["full_name"],
        ref=kept["ref"],
        commit=kept["after"],
        user=pusher or UNKNOWN,
        before=kept.get("before", ""),
        deleted=kept.get("deleted", False) or kept["after"] == NONE,
        forced=kept.get("forced", False),
        fork=repository.get("fork", False),
        archived=repository.get("archived", False),
        default_branch=repository.get("default_branch", ""),
        skip_ci=cicd["skip_ci"],
        skip_deploy=cicd["skip_deploy"],
        paths=tuple(cicd["paths"]) if cicd["paths_complete"] else None,
        authors=tuple(sorted({*moved_by, *cicd["authors"]})),
    )


def asked_for(repository: str, branch: str, commit: str, user: str, *authors: str) -> Push:
    """Return the push that stands for *user*'s wish to have *commit* of *branch*, by *authors*, built."""
    if not BRANCH.fullmatch(branch):
        raise InputError(f"The branch cannot be used: {branch!r:.80}.", "It is not built; rename it.")
    return Push(
        identifiers.check("repository", repository),
        HEADS + branch,
        identifiers.check("commit", commit),
        user or UNKNOWN,
        asked=True,
        authors=tuple(sorted({user, *authors} - {""})),
    )


def seconds(timestamp: str) -> float:
    """Return an ISO 8601 *timestamp* as epoch seconds; 0 when it is none."""
    try:
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def _checked(cicd: object) -> Summary:
    given = mapping(cicd)
    listed = items(given.get("paths"))
    paths = [path for path in listed[:PATHS_LIMIT] if isinstance(path, str) and PATH.fullmatch(path)]
    authors = items(given.get("authors"))[:AUTHORS_LIMIT]
    return {
        "skip_ci": given.get("skip_ci") is True,
        "skip_deploy": given.get("skip_deploy") is True,
        "paths": paths,
        "paths_complete": given.get("paths_complete") is True and len(paths) == len(listed),
        "authors": [name for name in authors if github_event.is_login(name)],
    }
