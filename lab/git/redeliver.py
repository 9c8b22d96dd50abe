"""Sends a kept delivery of a repository again: `python3 -m lab.git.redeliver REPOSITORY [ID]`."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.git.webhook import Webhook


def main(repository: str, identifier: str = "") -> int:
    """Redeliver, print what came of it, and return 0 when it was taken."""
    try:
        done = Webhook(Path(repository)).redeliver(identifier)
    except LookupError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    print(f"{done['id']} {done['event']}: {done['status'] or done['answer']}")
    return 0 if 200 <= done["status"] < 300 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
