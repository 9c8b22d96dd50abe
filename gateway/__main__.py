"""`python -m gateway --config FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aiohttp import web

from gateway import config
from gateway.server import Gateway


def main() -> int:
    """Serve until SIGTERM and return the exit code."""
    parser = argparse.ArgumentParser(prog="gateway", description="Receives webhooks in front of StackStorm.")
    parser.add_argument("--config", type=Path, required=True, help="gateway.yaml")
    try:
        settings = config.read(parser.parse_args().config)
    except config.ConfigError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    try:
        application = Gateway(settings).application()
        web.run_app(application, host=settings.host, port=settings.port, print=None, access_log=None)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        print(f"gateway: cannot listen on {where}: {error.strerror}; is one running?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
