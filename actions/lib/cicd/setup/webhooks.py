"""What a checkup says of a repository's webhook at GitHub. Pure."""

from __future__ import annotations

from typing import Sequence

from cicd.clients.github import Hook
from cicd.finding import GOOD, WARNING, WRONG, Finding

REFUSED = 400


def finding(what: str, hooks: Sequence[Hook], wanted: str) -> Finding:
    """Return whether one of *hooks* reports to the URL *wanted*, and was taken there the last time."""
    found = [hook for hook in hooks if _url(hook).partition("?")[0] == wanted]
    if not found:
        fix = f"Add a webhook for push events with the URL {wanted} and content type application/json."
        return Finding(what, WRONG, f"no webhook reports to {wanted}", fix)
    code = (found[0].get("last_response") or {}).get("code") or 0
    if code < REFUSED:
        return Finding(what, GOOD, f"tells {wanted}")
    fix = (
        "Give it the secret that the gateway has."
        if code in (401, 403)
        else "Look at its recent deliveries at GitHub, and at `journalctl -u cicd-gateway`."
    )
    return Finding(what, WARNING, f"tells {wanted}, and its last delivery was answered {code}", fix)


def _url(hook: Hook) -> str:
    return str((hook.get("config") or {}).get("url", ""))
