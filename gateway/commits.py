"""What the commits of a push tell without a word of their text: what is skipped, what changed, by whom."""

from __future__ import annotations

import re
from typing import Any

SKIP_CI = re.compile(r"\[(?:skip[ -]ci|ci[ -]skip|no[ -]ci)\]", re.IGNORECASE)
SKIP_DEPLOY = re.compile(r"\[(?:skip[ -]deploy|deploy[ -]skip|no[ -]deploy)\]", re.IGNORECASE)
NAME = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._@+=,~ -]{1,255}"
PATH = re.compile(rf"(?!.{{256}}){NAME}(?:/{NAME})*+")
PATHS_LIMIT = 200
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@\[\]-]{0,99}")
AUTHORS_LIMIT = 200
# GitHub leaves out what is beyond.
COMMITS_LIMIT = 2048
KINDS = ("added", "removed", "modified")


def summary(push: Any) -> dict[str, Any]:
    """
    Return `skip_ci`, `skip_deploy`, `paths`, `paths_complete` and `authors` of GitHub's *push*.

    The message of the head commit alone counts. `paths` are what its commits touched, sorted, at most 200
    of them; when they are not all that changed between `before` and `after`, `paths_complete` is False.
    `authors` are who wrote or committed its commits, the head's first, at most 200: by login, or without
    one by e-mail address and name.
    """
    given = push if isinstance(push, dict) else {}
    message, commits = _message(given.get("head_commit")), given.get("commits")
    touched = _touched(commits) if isinstance(commits, list) else set()
    paths = sorted(filter(PATH.fullmatch, touched))[:PATHS_LIMIT]
    return {
        "skip_ci": SKIP_CI.search(message) is not None,
        "skip_deploy": SKIP_DEPLOY.search(message) is not None,
        "paths": paths,
        "paths_complete": len(paths) == len(touched) and _lists_everything(given),
        "authors": _authors(given.get("head_commit"), *(commits if isinstance(commits, list) else [])),
    }


def _lists_everything(push: dict[str, Any]) -> bool:
    # A new branch or a forced push differs from what was there before in more than its new commits.
    commits = push.get("commits")
    is_listed = isinstance(commits, list) and 0 < len(commits) < COMMITS_LIMIT
    return is_listed and push.get("created") is False and push.get("forced") is False


def _touched(commits: list[Any]) -> set[str]:
    listed = [commit.get(kind) for commit in commits if isinstance(commit, dict) for kind in KINDS]
    return {str(path) for paths in listed if isinstance(paths, list) for path in paths}


def _authors(*commits: Any) -> list[str]:
    made = [commit for commit in commits[: COMMITS_LIMIT + 1] if isinstance(commit, dict)]
    people = [commit.get(role) for commit in made for role in ("author", "committer")]
    found = dict.fromkeys(name for person in people if isinstance(person, dict) for name in _names(person))
    return list(found)[:AUTHORS_LIMIT]


def _names(person: dict[str, Any]) -> list[str]:
    login = person.get("username") or person.get("login")
    names = [person.get("email"), person.get("name")] if not _is_login(login) else [login]
    return [name for name in names if name is not None and _is_login(name)]


def _is_login(value: Any) -> bool:
    return isinstance(value, str) and LOGIN.fullmatch(value) is not None


def _message(commit: Any) -> str:
    found = commit.get("message") if isinstance(commit, dict) else None
    return found if isinstance(found, str) else ""
