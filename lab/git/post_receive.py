"""The post-receive hook: a push event for each branch or tag that moved; GitHub reports no other ref."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.git import event
from lab.git.webhook import NAME, Webhook


def main() -> int:
    """Read `old new ref` lines as git gives them; a push succeeds whatever becomes of its events."""
    webhook = Webhook(Path.cwd())
    full_name = webhook.config(NAME)
    for line in sys.stdin:
        old, new, ref = line.split()
        if ref.startswith(("refs/heads/", "refs/tags/")):
            _tell(webhook, event.push(Path.cwd(), full_name, event.Update(old, new, ref)))
    return 0


def _tell(webhook: Webhook, payload: dict[str, object]) -> None:
    delivery = webhook.send("push", payload)
    if 200 <= delivery["status"] < 300:
        print(f"webhook: delivered push of {payload['ref']} ({delivery['status']})")
    else:
        print(
            f"webhook: NOT delivered ({delivery['status'] or delivery['answer']}); kept as {delivery['id']}"
        )


if __name__ == "__main__":
    sys.exit(main())
