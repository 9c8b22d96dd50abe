"""GitHub's push event: which of its fields may go on, and the push that they tell of. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Iterable, Mapping, Optional, Tuple

from cicd import fields
from cicd.errors import InputError
from cicd.push import HEADS, Push

NONE = "0" * 40
PATHS_LIMIT = 200
COMMITS_LIMIT = 2048  # GitHub leaves out what is beyond
SKIP_CI = re.compile(r"\[(?:skip[ -]ci|ci[ -]skip|no[ -]ci)\]", re.IGNORECASE)
SKIP_DEPLOY = re.compile(r"\[(?:skip[ -]deploy|deploy[ -]skip|no[ -]deploy)\]", re.IGNORECASE)
BRANCH = re.compile(rf"(?!.*\.\.){fields.PATTERNS['branch']}")
REF = re.compile(rf"refs/(?:heads|tags)/{BRANCH.pattern}")
PATH = re.compile(r"(?!/|.*//|(?:.*/)?\.{1,2}(?:/|\Z))[A-Za-z0-9._@+=,~/ -]{1,255}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
FLAGS = ("created", "deleted", "forced")


def reduce(raw: Any) -> dict[str, Any]:
    """
    Return of GitHub's own event what the gateway would forward: known fields of known patterns.

    No free text is in it. What messages and commits tell is summed up as `cicd`. Raises
    InputError when repository, ref or commit cannot be used.
    """
    given = _mapping(raw)
    repository, head = _mapping(given.get("repository")), _mapping(given.get("head_commit"))
    kept = {name: given[name] for name in FLAGS if isinstance(given.get(name), bool)}
    return {
        **kept,
        "ref": _fitting(REF, given.get("ref"), "ref"),
        "before": _optional(fields.PATTERNS["commit"], given.get("before")),
        "after": fields.check("commit", given.get("after")),
        "repository": {
            "full_name": fields.check("repository", repository.get("full_name")),
            "default_branch": _optional(BRANCH, repository.get("default_branch")),
            "fork": repository.get("fork") is True,
            "archived": repository.get("archived") is True,
        },
        "pusher": {"name": _optional(fields.PATTERNS["user"], _mapping(given.get("pusher")).get("name"))},
        "head_commit": {"timestamp": _optional(TIMESTAMP, head.get("timestamp"))},
        "cicd": summary(given.get("commits"), str(head.get("message") or ""), _lists_everything(given)),
    }


def summary(commits: Any, message: str, complete: bool) -> dict[str, Any]:
    """
    Return `skip_ci`, `skip_deploy`, `paths` and `paths_complete` of *commits* with the head's *message*.

    *complete* says whether *commits* are all that changed.
    """
    touched = {
        str(path)
        for commit in _list(commits)[:COMMITS_LIMIT]
        for kind in ("added", "removed", "modified")
        for path in _list(_mapping(commit).get(kind))
    }
    return told(message, touched, complete)


def told(message: str, touched: Iterable[str], complete: bool) -> dict[str, Any]:
    """Return the same from the paths *touched*."""
    every = set(touched)
    paths = sorted(path for path in every if PATH.fullmatch(path))[:PATHS_LIMIT]
    return {
        "skip_ci": bool(SKIP_CI.search(message)),
        "skip_deploy": bool(SKIP_DEPLOY.search(message)),
        "paths": paths,
        "paths_complete": complete and len(paths) == len(every),
    }


def parse(event: Mapping[str, Any]) -> Push:
    """Return the push of a reduced *event*; every field is checked again. Raises InputError."""
    kept, cicd = reduce(event), _mapping(event.get("cicd"))
    repository, paths = kept["repository"], [p for p in _list(cicd.get("paths")) if _is_path(p)]
    return Push(
        repository=repository["full_name"],
        ref=kept["ref"],
        commit=kept["after"],
        user=kept["pusher"]["name"] or "unknown",
        before=kept["before"],
        deleted=bool(kept.get("deleted")) or kept["after"] == NONE,
        forced=bool(kept.get("forced")),
        fork=bool(repository.get("fork")),
        archived=bool(repository.get("archived")),
        default_branch=repository["default_branch"],
        timestamp=seconds(kept["head_commit"]["timestamp"]),
        skip_ci=cicd.get("skip_ci") is True,
        skip_deploy=cicd.get("skip_deploy") is True,
        paths=_all_paths(cicd, paths),
    )


def asked_for(repository: str, branch: str, commit: str, user: str) -> Push:
    """Return the push that stands for a person's wish to have *commit* of *branch* built."""
    return Push(
        fields.check("repository", repository),
        HEADS + _fitting(BRANCH, branch, "branch"),
        fields.check("commit", commit),
        fields.check("user", user),
        asked=True,
    )


def is_user(name: str) -> bool:
    """Whether *name* may be the login of a user."""
    return bool(_optional(fields.PATTERNS["user"], name))


def seconds(timestamp: str) -> float:
    """Return an ISO 8601 *timestamp* as epoch seconds; 0 when it is none."""
    try:
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def _all_paths(cicd: Mapping[str, Any], paths: list[str]) -> Optional[Tuple[str, ...]]:
    complete = cicd.get("paths_complete") is True and len(paths) == len(_list(cicd.get("paths")))
    return tuple(paths) if complete else None


def _lists_everything(event: Mapping[str, Any]) -> bool:
    # A new branch or a forced push differs from what was there before in more than its new commits.
    listed = 0 < len(_list(event.get("commits"))) < COMMITS_LIMIT
    return listed and event.get("created") is False and event.get("forced") is False


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and PATH.fullmatch(value) is not None


def _fitting(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise InputError(f"The {what} of the push cannot be used: {value!r:.80}.", "It is not built; rename it.")


def _optional(pattern: Any, value: Any) -> str:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
