"""GitHub's push event, made from a bare repository."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.git import profile

NONE = "0" * 40
MAX_COMMITS = 20  # GitHub's own


@dataclass(frozen=True)
class Update:
    """One ref that moved from commit *old* to *new*; NONE stands for no commit."""

    old: str
    new: str
    ref: str

    @property
    def created(self) -> bool:
        return self.old == NONE

    @property
    def deleted(self) -> bool:
        return self.new == NONE


def push(bare: Path, full_name: str, update: Update) -> dict[str, Any]:
    """Return the payload with which GitHub tells of *update* in the repository *bare*."""
    commits = [] if update.deleted else _new_commits(bare, full_name, update)
    head = None if update.deleted else commit(bare, full_name, f"{update.new}^{{commit}}")
    pusher = _pusher(head)
    return {
        "ref": update.ref,
        "before": update.old,
        "after": update.new,
        "repository": profile.repository(full_name),
        "pusher": pusher,
        "sender": profile.user(pusher["name"]),
        "created": update.created,
        "deleted": update.deleted,
        "forced": _forced(bare, update),
        "base_ref": None,
        "compare": _compare(full_name, update),
        "commits": commits,
        "head_commit": head,
    }


def _pusher(head: dict[str, Any] | None) -> dict[str, str]:
    """Return who pushed. GitHub knows the login; here it is what comes before the @ of the committer."""
    email = head["committer"]["email"] if head else "git@lab.invalid"
    login = re.sub(r"[^A-Za-z0-9-]+", "-", email.partition("@")[0]).strip("-")
    return {"name": login or "git", "email": email}


def commit(bare: Path, full_name: str, revision: str) -> dict[str, Any]:
    """Return what the event says of one commit."""
    form = "%H%n%T%n%cI%n%an%n%ae%n%cn%n%ce%n%B"
    lines = _git(bare, "show", "-s", f"--format={form}", revision).split("\n", 7)
    identifier, tree, when, author, author_email, committer, committer_email, message = lines
    return {
        "id": identifier,
        "tree_id": tree,
        "distinct": True,
        "message": message.strip("\n"),
        "timestamp": when,
        "url": f"{profile.SITE}/{full_name}/commit/{identifier}",
        "author": {"name": author, "email": author_email},
        "committer": {"name": committer, "email": committer_email},
        **_files(bare, identifier),
    }


def _files(bare: Path, identifier: str) -> dict[str, list[str]]:
    """Return the paths that the commit added, removed and modified."""
    listing = _git(
        bare, "diff-tree", "--root", "--no-commit-id", "--name-status", "--no-renames", "-r", "-z", identifier
    )
    words = listing.split("\0")[:-1]
    changes = list(zip(words[::2], words[1::2], strict=True))
    kinds = {"added": "A", "removed": "D", "modified": "MT"}
    return {kind: [path for letter, path in changes if letter in letters] for kind, letters in kinds.items()}


def _new_commits(bare: Path, full_name: str, update: Update) -> list[dict[str, Any]]:
    """Return the commits of a branch that this push brought, oldest first; a tag brings none."""
    if not update.ref.startswith("refs/heads/"):
        return []
    if update.created:
        # Every other branch; the pattern is without refs/heads/, or the first push would bring nothing.
        others = [f"--exclude={update.ref.removeprefix('refs/heads/')}", "--branches"]
        revisions = [update.new, "--not", *others]
    else:
        revisions = [update.new, f"^{update.old}"]
    listing = _git(bare, "rev-list", "--reverse", f"--max-count={MAX_COMMITS}", *revisions)
    return [commit(bare, full_name, line) for line in listing.split()]


def _forced(bare: Path, update: Update) -> bool:
    if update.created or update.deleted:
        return False
    argv = ["git", "-C", str(bare), "merge-base", "--is-ancestor", update.old, update.new]
    return subprocess.run(argv, capture_output=True, check=False).returncode != 0


def _compare(full_name: str, update: Update) -> str:
    base = f"{profile.SITE}/{full_name}"
    if update.created and update.ref.startswith("refs/tags/"):
        return f"{base}/compare/{update.ref.removeprefix('refs/tags/')}"
    if update.created:
        return f"{base}/commit/{update.new[:12]}"
    return f"{base}/compare/{update.old[:12]}...{update.new[:12]}"


def utc(epoch: float) -> str:
    """Return *epoch* seconds as GitHub writes times."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(bare: Path, *arguments: str) -> str:
    argv = ["git", "-C", str(bare), *arguments]
    return subprocess.run(argv, capture_output=True, check=True).stdout.decode(errors="replace")
