"""What the commits of a push tell without a word of their text: what is to be skipped, and what changed."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

SKIP = {
    "skip_ci": re.compile(r"\[(?:skip[ -]ci|ci[ -]skip|no[ -]ci)\]", re.IGNORECASE),
    "skip_deploy": re.compile(r"\[(?:skip[ -]deploy|deploy[ -]skip|no[ -]deploy)\]", re.IGNORECASE),
}
PATH = re.compile(r"(?!/|.*//|(?:.*/)?\.{1,2}(?:/|\Z))[A-Za-z0-9._@+=,~/ -]{1,255}")
PATHS_LIMIT = 200
# GitHub leaves out what is beyond.
COMMITS_LIMIT = 2048
KINDS = ("added", "removed", "modified")


def summary(push: Any) -> dict[str, Any]:
    """
    Return `skip_ci`, `skip_deploy`, `paths` and `paths_complete` of GitHub's *push*.

    The message of the head commit alone counts. `paths` are what its commits touched, sorted, at most 200
    of them; when they are not all that changed between `before` and `after`, `paths_complete` is False.
    """
    given = push if isinstance(push, dict) else {}
    message = _text(given.get("head_commit"), "message")
    skipped = {name: bool(pattern.search(message)) for name, pattern in SKIP.items()}
    touched = _touched(given.get("commits"))
    paths = sorted(path for path in touched if PATH.fullmatch(path))[:PATHS_LIMIT]
    is_complete = _lists_everything(given) and len(paths) == len(touched)
    return {**skipped, "paths": paths, "paths_complete": is_complete}


def _lists_everything(push: dict[str, Any]) -> bool:
    # A new branch or a forced push differs from what was there before in more than its new commits.
    commits = push.get("commits")
    is_listed = isinstance(commits, list) and 0 < len(commits) < COMMITS_LIMIT
    return is_listed and push.get("created") is False and push.get("forced") is False


def _touched(commits: Any) -> set[str]:
    listed = [commit for commit in islice(_list(commits), COMMITS_LIMIT) if isinstance(commit, dict)]
    return {str(path) for commit in listed for kind in KINDS for path in _list(commit.get(kind))}


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
