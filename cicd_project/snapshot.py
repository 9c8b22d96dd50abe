"""A folder as the commit that it would be now; the folder and its repository stay as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict

from cicd.errors import InputError

NAME = {"NAME": "check", "EMAIL": "check@localhost"}


@dataclass(frozen=True)
class Snapshot:
    """
    A commit in the bare repository *url*: the folder's own when nothing is changed there, else a new one.

    *directory* is the folder's place in its repository, empty when it is the whole of it.
    """

    url: Path
    commit: str
    directory: str
    is_changed: bool


def take(folder: Path, url: Path) -> Snapshot:
    """Make the bare repository *url* with a commit of what `git add --all` would take of *folder*'s now."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Name the project's folder.")
    top = Path(_asked(folder, "rev-parse", "--show-toplevel") or folder)
    _git(url.parent, "init", "--quiet", "--bare", str(url))
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        _git(url, "config", key, "true")
    head = _borrow(top, url)
    tree = _written(top, url)
    commit = head if head and _asked(url, "rev-parse", f"{head}^{{tree}}") == tree else ""
    commit = commit or _committed(url, tree, head)
    _git(url, "update-ref", "refs/heads/main", commit)
    directory = folder.resolve().relative_to(top.resolve()).as_posix()
    return Snapshot(url, commit, "" if directory == "." else directory, commit != head)


def _borrow(top: Path, url: Path) -> str:
    """Let *url* see the objects of *top*'s repository, and return its newest commit, or nothing."""
    head = _asked(top, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    if not (top / ".git").exists() or _asked(top, "rev-parse", "--is-shallow-repository") == "true":
        return ""
    objects, exclude = (
        top / _asked(top, "rev-parse", "--git-path", name) for name in ("objects", "info/exclude")
    )
    (url / "objects/info/alternates").write_text(f"{objects.resolve()}\n", encoding="utf-8")
    if exclude.exists():
        shutil.copy(exclude, url / "info/exclude")
    return head


def _written(top: Path, url: Path) -> str:
    there = {"GIT_DIR": str(url), "GIT_WORK_TREE": str(top)}
    _git(top, "add", "--all", **there)
    return _git(top, "write-tree", **there)


def _committed(url: Path, tree: str, parent: str) -> str:
    # The time of the commit before, so that the same files are the same commit.
    told = {**NAME, "DATE": _git(url, "log", "-1", "--format=%ct +0000", parent)} if parent else NAME
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in told.items()}
    parents = ["-p", parent] if parent else []
    return _git(url, "commit-tree", *parents, "-m", "As it is now", tree, **who)


def _asked(folder: Path, *words: str) -> str:
    """Return what git answers; nothing when it refuses."""
    try:
        return _git(folder, *words)
    except InputError:
        return ""


def _git(folder: Path, *words: str, **more: str) -> str:
    # A hook of git's that calls this has told its own repository.
    env: Dict[str, str] = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, env={**env, **more}, stdin=subprocess.DEVNULL, capture_output=True
        )
    except FileNotFoundError:
        raise InputError("git is not installed here.", "Install it.") from None
    if done.returncode:
        raise InputError(
            f"git {words[0]} in {folder} failed: {done.stderr.decode(errors='replace').strip():.500}",
            "Correct that, then try again.",
        )
    return done.stdout.decode(errors="replace").strip()
