"""Signed pushes of the size that GitHub sends, ready to be written to a connection."""

from __future__ import annotations

import hashlib
import hmac
import json
from itertools import count
from typing import Any

from lab.git import profile

REPOSITORIES = 8
COMMITS = 5
_numbers = count(1)


def requests(secret: bytes, number: int) -> list[bytes]:
    """Return *number* pushes, each of a commit of its own, as whole HTTP requests."""
    return [_request(secret, next(_numbers)) for _ in range(number)]


def body(number: int) -> bytes:
    """Return the body of push *number*; 7 to 10 KB."""
    full_name = f"acme/service-{number % REPOSITORIES}"
    commits = [_commit(full_name, number * COMMITS + index) for index in range(COMMITS)]
    push = {
        "ref": "refs/heads/main",
        "before": f"{number:040x}",
        "after": commits[-1]["id"],
        "repository": profile.repository(full_name),
        "pusher": {"name": "ann", "email": "ann@example.com"},
        "sender": profile.user("ann"),
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"{profile.SITE}/{full_name}/compare/a...b",
        "commits": commits,
        "head_commit": commits[-1],
    }
    return json.dumps(push, separators=(",", ":")).encode()


def _commit(full_name: str, number: int) -> dict[str, Any]:
    identifier = hashlib.sha1(f"{number}".encode(), usedforsecurity=False).hexdigest()
    person = {"name": "Ann Developer", "email": "ann@example.com", "username": "ann"}
    return {
        "id": identifier,
        "tree_id": identifier,
        "distinct": True,
        "message": f"Greet {number} more people\n\nThey asked for it, and there is room.",
        "timestamp": "2026-11-24T12:00:00+01:00",
        "url": f"{profile.SITE}/{full_name}/commit/{identifier}",
        "author": person,
        "committer": person,
        "added": [f"app/greeting_{number}.py"],
        "removed": [],
        "modified": ["app/main.py", "README.md"],
    }


def _request(secret: bytes, number: int) -> bytes:
    content = body(number)
    head = (
        "POST /github HTTP/1.1\r\nHost: gateway\r\nUser-Agent: GitHub-Hookshot/bench\r\n"
        "Content-Type: application/json\r\nX-GitHub-Event: push\r\n"
        f"X-GitHub-Delivery: bench-{number}\r\n"
        f"X-Hub-Signature-256: sha256={hmac.digest(secret, content, 'sha256').hex()}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
