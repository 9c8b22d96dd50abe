"""`python3 -m lab.github SETTINGS.json`: serve the stand-in until it is stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lab.github.server import Settings, server


def main(path: str) -> None:
    """Serve the API."""
    server(Settings(**json.loads(Path(path).read_text()))).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
