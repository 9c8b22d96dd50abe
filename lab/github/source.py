"""What GitHub's API says of a repository, read from the bare one."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path
from typing import Any

from lab.git import event, profile
from lab.git.webhook import URL, Webhook

STATES = {
    (False, False): "diverged",
    (True, False): "ahead",
    (False, True): "behind",
    (True, True): "identical",
}


class Source:
    """One bare repository, called *name* (owner/name)."""

    def __init__(self, bare: Path, name: str) -> None:
        self.bare = bare
        self.name = name

    def repository(self) -> dict[str, Any]:
        """Return the repository."""
        branch = self._git("symbolic-ref", "--short", "HEAD")
        permissions = {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True}
        return {**profile.repository(self.name, branch), "permissions": permissions}

    def has(self, revision: str) -> bool:
        """Whether *revision* is a commit of it."""
        argv = ["git", "-C", str(self.bare), "cat-file", "-e", f"{revision}^{{commit}}"]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def branch(self, name: str) -> dict[str, Any]:
        """Return the branch *name*."""
        base = f"{profile.API}/repos/{self.name}/branches/{name}"
        links = {"self": base, "html": f"{profile.SITE}/{self.name}/tree/{name}"}
        return {
            "name": name,
            "commit": self._commit(f"refs/heads/{name}"),
            "_links": links,
            "protected": False,
        }

    def compare(self, base: str, head: str) -> dict[str, Any]:
        """Return how *head* differs from *base*."""
        common = self._git("merge-base", base, head)
        added = self._git("rev-list", "--reverse", f"{base}..{head}").split()
        missing = self._git("rev-list", f"{head}..{base}").split()
        names = self._git("diff", "--name-status", "--no-renames", "-z", common, head).split("\0")[:-1]
        return {
            "url": f"{profile.API}/repos/{self.name}/compare/{base}...{head}",
            "base_commit": self._commit(base),
            "merge_base_commit": self._commit(common),
            "status": STATES[not missing, not added],
            "ahead_by": len(added),
            "behind_by": len(missing),
            "total_commits": len(added),
            "commits": [self._commit(commit) for commit in added],
            "files": [_file(*pair) for pair in zip(names[::2], names[1::2], strict=True)][:300],
        }

    def hooks(self) -> list[dict[str, Any]]:
        """Return the webhooks: one, or none."""
        if not Webhook(self.bare).is_set:
            return []
        number = zlib.crc32(self.name.encode())
        config = {"content_type": "json", "insecure_ssl": "0", "url": Webhook(self.bare).config(URL)}
        hook = {
            "type": "Repository",
            "id": number,
            "name": "web",
            "active": True,
            "events": ["push", "workflow_run"],
        }
        last = next(iter(self.deliveries()), {"status_code": None, "status": "unused"})
        response = {"code": last["status_code"], "status": last["status"], "message": None}
        return [{**hook, "config": {**config, "secret": "********"}, "last_response": response}]

    def add_hook(self, url: str, secret: str) -> dict[str, Any]:
        """Tell *url* of each push, signed with *secret*; return the webhook."""
        Webhook(self.bare).arm(url, self.name, secret)
        return self.hooks()[0]

    def remove_hook(self) -> None:
        """Tell nobody of pushes any more."""
        Webhook(self.bare).disarm()

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the attempts to deliver, newest first."""
        found = [
            (attempt["at"], kept, n) for kept in self._kept() for n, attempt in enumerate(kept["attempts"])
        ]
        return [_delivery(kept, n) for _, kept, n in sorted(found, key=lambda one: one[0], reverse=True)]

    def redeliver(self, number: int) -> None:
        """Deliver again what the attempt *number* was to deliver; LookupError when there is none."""
        for kept in self._kept():
            if any(_delivery(kept, n)["id"] == number for n in range(len(kept["attempts"]))):
                Webhook(self.bare).redeliver(kept["id"])
                return
        raise LookupError(number)

    def _kept(self) -> list[dict[str, Any]]:
        return [kept for kept in Webhook(self.bare).kept() if kept.get("attempts")]

    def _commit(self, revision: str) -> dict[str, Any]:
        told = event.commit(self.bare, self.name, revision)
        login = told["committer"]["email"].partition("@")[0]
        by = {"author": {**told["author"], "date": told["timestamp"]}}
        by["committer"] = {**told["committer"], "date": told["timestamp"]}
        return {
            "sha": told["id"],
            "url": f"{profile.API}/repos/{self.name}/commits/{told['id']}",
            "html_url": told["url"],
            "commit": {**by, "message": told["message"], "tree": {"sha": told["tree_id"]}},
            "author": profile.user(login),
            "committer": profile.user(login),
        }

    def _git(self, *arguments: str) -> str:
        argv = ["git", "-C", str(self.bare), *arguments]
        return subprocess.run(argv, capture_output=True, check=True).stdout.decode(errors="replace").strip()


def _file(letter: str, path: str) -> dict[str, Any]:
    kinds = {"A": "added", "D": "removed"}
    return {"filename": path, "status": kinds.get(letter[0], "modified")}


def _delivery(kept: dict[str, Any], number: int) -> dict[str, Any]:
    attempt = kept["attempts"][number]
    code = int(attempt["status"])
    stamp = event.utc(attempt["at"])
    return {
        "id": zlib.crc32(f"{kept['id']} {number}".encode()),
        "guid": kept["id"],
        "delivered_at": stamp,
        "redelivery": number > 0,
        "duration": 0.1,
        "status": "OK" if 200 <= code < 300 else f"Invalid HTTP Response: {code}",
        "status_code": code,
        "event": kept["event"],
        "action": None,
        "installation_id": None,
        "repository_id": None,
        "throttled_at": None,
    }
