"""GitHub's push event: which of its fields may go on, and the push that they tell of. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Iterable, List, Mapping, TypedDict, cast

from cicd import identifiers
from cicd.ci.push import HEADS, Push
from cicd.errors import InputError

NONE = "0" * 40
UNKNOWN = "unknown"
PATHS_LIMIT = 200
AUTHORS_LIMIT = 200
COMMITS_LIMIT = 2048  # GitHub leaves out what is beyond
SKIP_CI = re.compile(r"\[(?:skip[ -]ci|ci[ -]skip|no[ -]ci)\]", re.IGNORECASE)
SKIP_DEPLOY = re.compile(r"\[(?:skip[ -]deploy|deploy[ -]skip|no[ -]deploy)\]", re.IGNORECASE)
BRANCH = re.compile(rf"(?!.*\.\.){identifiers.PATTERNS['branch']}")
REF = re.compile(rf"refs/(?:heads|tags)/{BRANCH.pattern}")
PATH = re.compile(r"(?!/|.*//|(?:.*/)?\.{1,2}(?:/|\Z))[A-Za-z0-9._@+=,~/ -]{1,255}")
FLAGS = ("created", "deleted", "forced")


class RepositoryPart(TypedDict):
    """The repository of a push."""

    full_name: str
    default_branch: str
    fork: bool
    archived: bool


class Pusher(TypedDict):
    """Who pushed, by git's name."""

    name: str


class Sender(TypedDict):
    """Who pushed, by GitHub's name."""

    login: str


class Summary(TypedDict):
    """What messages and commits tell; `paths_complete` says whether `paths` is all that changed."""

    skip_ci: bool
    skip_deploy: bool
    paths: List[str]
    paths_complete: bool
    authors: List[str]


class Flags(TypedDict, total=False):
    """What happened to the branch."""

    created: bool
    deleted: bool
    forced: bool


class Reduced(TypedDict):
    """What of a push may go on."""

    ref: str
    before: str
    after: str
    repository: RepositoryPart
    pusher: Pusher
    cicd: Summary


class ReducedPush(Reduced, Flags, total=False):
    """The same, with what is not said of every push."""

    sender: Sender


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
    given = _mapping(raw)
    repository = _mapping(given.get("repository"))
    flags = {name: given[name] for name in FLAGS if isinstance(given.get(name), bool)}
    return {
        **cast(Flags, flags),
        "ref": _fitting(REF, given.get("ref"), "ref"),
        "before": _optional(identifiers.PATTERNS["commit"], given.get("before")),
        "after": identifiers.check("commit", given.get("after")),
        "repository": {
            "full_name": identifiers.check("repository", repository.get("full_name")),
            "default_branch": _optional(BRANCH, repository.get("default_branch")),
            "fork": repository.get("fork") is True,
            "archived": repository.get("archived") is True,
        },
        "pusher": {"name": _user(_mapping(given.get("pusher")).get("name"))},
        "sender": {"login": _user(_mapping(given.get("sender")).get("login"))},
        "cicd": _checked(given["cicd"]) if "cicd" in given else summary(given),
    }


def summary(raw: Mapping[str, object]) -> Summary:
    """Return `skip_ci`, `skip_deploy`, `paths`, `paths_complete` and `authors` of GitHub's own event."""
    head, commits = _mapping(raw.get("head_commit")), _list(raw.get("commits"))[:COMMITS_LIMIT]
    touched = {
        str(path)
        for commit in commits
        for kind in ("added", "removed", "modified")
        for path in _list(_mapping(commit).get(kind))
    }
    wrote = [_mapping(commit).get(role) for commit in (head, *commits) for role in ("author", "committer")]
    return told(str(head.get("message") or ""), touched, _lists_everything(raw), wrote)


def told(message: str, touched: Iterable[str], complete: bool, wrote: Iterable[object] = ()) -> Summary:
    """
    Return the same from the head's *message*, the paths *touched* and those who *wrote* the commits.

    *complete* says whether *touched* is all that changed.
    """
    every = set(touched)
    paths = sorted(path for path in every if PATH.fullmatch(path))[:PATHS_LIMIT]
    return {
        "skip_ci": bool(SKIP_CI.search(message)),
        "skip_deploy": bool(SKIP_DEPLOY.search(message)),
        "paths": paths,
        "paths_complete": complete and len(paths) == len(every),
        "authors": _first_authors(wrote),
    }


def names(person: object) -> list[str]:
    """Return what *person* is called: the login, or without one the e-mail address and the name."""
    known = _mapping(person)
    login = _user(known.get("username") or known.get("login"))
    return [login] if login else [name for key in ("email", "name") if (name := _user(known.get(key)))]


def parse(event: object) -> Push:
    """Return the push of a reduced *event*; every field is checked again. Raises InputError."""
    kept = reduce(event)
    repository, cicd, pusher = kept["repository"], kept["cicd"], kept["pusher"]["name"]
    moved_by = [name for name in (pusher, kept["sender"]["login"]) if name not in ("", UNKNOWN)]
    return Push(
        repository=repository["full_name"],
        ref=kept["ref"],
        commit=kept["after"],
        user=pusher or UNKNOWN,
        before=kept["before"],
        deleted=bool(kept.get("deleted")) or kept["after"] == NONE,
        forced=bool(kept.get("forced")),
        fork=bool(repository.get("fork")),
        archived=bool(repository.get("archived")),
        default_branch=repository["default_branch"],
        skip_ci=cicd["skip_ci"],
        skip_deploy=cicd["skip_deploy"],
        paths=tuple(cicd["paths"]) if cicd["paths_complete"] else None,
        authors=tuple(sorted({*moved_by, *cicd["authors"]})),
    )


def asked_for(repository: str, branch: str, commit: str, user: str, *authors: str) -> Push:
    """Return the push that stands for *user*'s wish to have *commit* of *branch*, by *authors*, built."""
    return Push(
        identifiers.check("repository", repository),
        HEADS + _fitting(BRANCH, branch, "branch"),
        identifiers.check("commit", commit),
        user or UNKNOWN,
        asked=True,
        authors=tuple(sorted({user, *authors} - {""})),
    )


def is_user(name: str) -> bool:
    """Whether *name* may be the login of a user."""
    return bool(_user(name))


def seconds(timestamp: str) -> float:
    """Return an ISO 8601 *timestamp* as epoch seconds; 0 when it is none."""
    try:
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def _checked(cicd: object) -> Summary:
    given = _mapping(cicd)
    listed = _list(given.get("paths"))
    paths = [path for path in listed[:PATHS_LIMIT] if _is_path(path)]
    return {
        "skip_ci": given.get("skip_ci") is True,
        "skip_deploy": given.get("skip_deploy") is True,
        "paths": paths,
        "paths_complete": given.get("paths_complete") is True and len(paths) == len(listed),
        "authors": [name for name in _list(given.get("authors"))[:AUTHORS_LIMIT] if _user(name)],
    }


def _first_authors(wrote: Iterable[object]) -> list[str]:
    # The head commit's come first, and stay when there are too many.
    found = dict.fromkeys(name for person in wrote for name in names(person))
    return list(found)[:AUTHORS_LIMIT]


def _user(value: object) -> str:
    return _optional(identifiers.PATTERNS["user"], value)


def _lists_everything(event: Mapping[str, object]) -> bool:
    # A new branch or a forced push differs from what was there before in more than its new commits.
    listed = 0 < len(_list(event.get("commits"))) < COMMITS_LIMIT
    return listed and event.get("created") is False and event.get("forced") is False


def _is_path(value: object) -> bool:
    return isinstance(value, str) and PATH.fullmatch(value) is not None


def _fitting(pattern: re.Pattern[str], value: object, what: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise InputError(f"The {what} of the push cannot be used: {value!r:.80}.", "It is not built; rename it.")


def _optional(pattern: str | re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
