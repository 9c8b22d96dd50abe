"""
GitHub's events, pushes and runs of workflows: which fields may go on, each of a known pattern. Pure.

The gateway brings this very file, so it imports nothing of the pack.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, List, Mapping, TypedDict, cast

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}(?:@|\Z))[A-Za-z0-9._-]{1,100}")
COMMIT = re.compile(r"[0-9a-f]{40}")
BRANCH = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/+@=-]{0,199}")
REF = re.compile(rf"refs/(?:heads|tags)/{BRANCH.pattern}")
NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
URL = re.compile(r"https?://[A-Za-z0-9.:/_~?&=@+%-]{1,500}")
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@\[\]-]{0,99}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
SKIP_CI = re.compile(r"\[(?:skip[ -]ci|ci[ -]skip|no[ -]ci)\]", re.IGNORECASE)
SKIP_DEPLOY = re.compile(r"\[(?:skip[ -]deploy|deploy[ -]skip|no[ -]deploy)\]", re.IGNORECASE)
PATH = re.compile(r"(?!/|.*//|(?:.*/)?\.{1,2}(?:/|\Z))[A-Za-z0-9._@+=,~/ -]{0,254}[A-Za-z0-9._@+=,~ -]")
PATHS_LIMIT = 200
AUTHORS_LIMIT = 200
COMMITS_LIMIT = 2048  # GitHub leaves out what is beyond
KINDS = ("added", "removed", "modified")

# A pattern, a range of whole numbers, a type, or the same again one level deeper.
GITHUB: Mapping[str, object] = {
    "ref": REF,
    "before": COMMIT,
    "after": COMMIT,
    "base_ref": REF,
    "created": bool,
    "deleted": bool,
    "forced": bool,
    "compare": URL,
    "repository": {
        "name": NAME,
        "full_name": REPOSITORY,
        "default_branch": BRANCH,
        "fork": bool,
        "archived": bool,
    },
    "pusher": {"name": LOGIN},
    "sender": {"login": LOGIN},
    "head_commit": {"id": COMMIT, "timestamp": TIMESTAMP},
}


WORD = re.compile(r"[a-z_]{1,40}")
WORKFLOW_FILE = re.compile(r"\.github/workflows/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
WORKFLOW_RUN: Mapping[str, object] = {
    "action": WORD,
    "workflow_run": {
        "id": range(2**53),
        "head_sha": COMMIT,
        "head_branch": BRANCH,
        "path": WORKFLOW_FILE,
        "event": WORD,
        "conclusion": WORD,
        "html_url": URL,
        "head_repository": {"full_name": REPOSITORY},
    },
    "repository": {"full_name": REPOSITORY},
}


class Repository(TypedDict, total=False):
    """The repository of a push, `full_name` is owner/name."""

    name: str
    full_name: str
    default_branch: str
    fork: bool
    archived: bool


class Pusher(TypedDict, total=False):
    """Who pushed, by git's name."""

    name: str


class Sender(TypedDict, total=False):
    """Who pushed, by GitHub's name."""

    login: str


class Summary(TypedDict):
    """What messages and commits tell; `paths_complete` says whether `paths` is all that changed."""

    skip_ci: bool
    skip_deploy: bool
    paths: List[str]
    paths_complete: bool
    authors: List[str]


class ReducedPush(TypedDict, total=False):
    """What of a push may go on; a field that did not fit its pattern is missing."""

    ref: str
    before: str
    after: str
    created: bool
    deleted: bool
    forced: bool
    repository: Repository
    pusher: Pusher
    sender: Sender
    cicd: Summary


class RunFields(TypedDict, total=False):
    """A run of a workflow: `head_sha` is its commit, `path` its file, `conclusion` how it ended."""

    id: int
    head_sha: str
    head_branch: str
    path: str
    event: str
    conclusion: str
    html_url: str
    head_repository: Repository


class ReducedRun(TypedDict, total=False):
    """What of a workflow_run event may go on; a field that did not fit its pattern is missing."""

    action: str
    workflow_run: RunFields
    repository: Repository


def run_fields(event: object) -> ReducedRun:
    """Return what of GitHub's workflow_run *event* has the shape WORKFLOW_RUN."""
    return cast(ReducedRun, subset(event, WORKFLOW_RUN))


def unusable_run(event: ReducedRun) -> str:
    """Return which of the fields that make a run cannot be used; empty when all can."""
    run = event.get("workflow_run", {})
    needed = {
        "repository": event.get("repository", {}).get("full_name"),
        "id": run.get("id"),
        "commit": run.get("head_sha"),
    }
    odd = [name for name, value in needed.items() if not value]
    return f"the {' and the '.join(odd)} of the run cannot be used" if odd else ""


def fields(push: object) -> ReducedPush:
    """Return what of GitHub's *push* has the shape GITHUB."""
    return cast(ReducedPush, subset(push, GITHUB))


def subset(value: object, shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of *value* has *shape*; a field that does not fit is left out."""
    given = mapping(value)
    found = [(key, _field(given[key], wanted)) for key, wanted in shape.items() if key in given]
    return {key: field for key, field in found if field is not None}


def unusable(push: ReducedPush) -> str:
    """Return which of the fields that make a *push* cannot be used; empty when all can."""
    needed = {
        "repository": push.get("repository", {}).get("full_name"),
        "ref": push.get("ref"),
        "commit": push.get("after"),
    }
    odd = [name for name, value in needed.items() if not value]
    return f"the {' and the '.join(odd)} of the push cannot be used" if odd else ""


def summary(push: object) -> Summary:
    """
    Return what the commits of GitHub's *push* tell without a word of their text.

    The message of the head commit alone counts. `paths` are what its commits touched, sorted, at most 200
    of them; when they are not all that changed between `before` and `after`, `paths_complete` is False.
    `authors` are who wrote or committed its commits, the head's first, at most 200: by login, or without
    one by e-mail address and name.
    """
    given = mapping(push)
    head, commits = mapping(given.get("head_commit")), items(given.get("commits"))[:COMMITS_LIMIT]
    made = [mapping(commit) for commit in commits]
    touched = {str(path) for commit in made for kind in KINDS for path in items(commit.get(kind))}
    wrote = [commit.get(role) for commit in (head, *made) for role in ("author", "committer")]
    message = head.get("message")
    return told(message if isinstance(message, str) else "", touched, _lists_everything(given), wrote)


def told(message: str, touched: Iterable[str], complete: bool, wrote: Iterable[object] = ()) -> Summary:
    """
    Return the same from the head's *message*, the paths *touched* and those who *wrote* the commits.

    *complete* says whether *touched* is all that changed.
    """
    every = set(touched)
    paths = sorted(path for path in every if PATH.fullmatch(path))[:PATHS_LIMIT]
    names = dict.fromkeys(name for person in wrote for name in _names(person))
    return {
        "skip_ci": bool(SKIP_CI.search(message)),
        "skip_deploy": bool(SKIP_DEPLOY.search(message)),
        "paths": paths,
        "paths_complete": complete and len(paths) == len(every),
        # The head commit's come first, and stay when there are too many.
        "authors": list(names)[:AUTHORS_LIMIT],
    }


def is_login(value: object) -> bool:
    """Whether *value* may be the name of a user."""
    return isinstance(value, str) and LOGIN.fullmatch(value) is not None


def mapping(value: object) -> Mapping[str, object]:
    """Return *value* when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """Return *value* when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _names(person: object) -> list[str]:
    known = mapping(person)
    login = known.get("username") or known.get("login")
    names = [login] if is_login(login) else [known.get("email"), known.get("name")]
    return [str(name) for name in names if is_login(name)]


def _lists_everything(push: Mapping[str, object]) -> bool:
    # A new branch or a forced push differs from what was there before in more than its new commits.
    listed = 0 < len(items(push.get("commits"))) < COMMITS_LIMIT
    return listed and push.get("created") is False and push.get("forced") is False


def _field(value: object, wanted: object) -> object:
    if isinstance(wanted, re.Pattern):
        return value if type(value) is str and wanted.fullmatch(value) else None
    if isinstance(wanted, dict):
        return subset(value, wanted) or None
    if isinstance(wanted, range):
        return value if type(value) is int and value in wanted else None
    return value if type(value) is wanted else None
