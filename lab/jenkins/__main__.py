"""`python3 -m lab.jenkins SETTINGS.json`: run the stand-in until it is stopped."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab.jenkins.queue import Queue
from lab.jenkins.server import server
from lab.jenkins.settings import Settings


def main(path: str) -> None:
    """Serve the API and run the builds."""
    os.umask(0o022)
    settings = Settings.read(Path(path))
    queue = Queue(settings)
    queue.start()
    server(settings, queue).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
