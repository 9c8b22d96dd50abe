"""`python -m gateway --config FILE [--check]`; as a package, `cicd-gateway --config FILE`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from gateway import config
from gateway.config import Config, ConfigError
from gateway.server import Gateway, running
from gateway.spool import SpoolError
from gateway.version import version

EPILOG = (
    "Exit status: 0 stopped by SIGTERM, or --check found nothing wrong; "
    "1 the configuration or the address cannot be used; 2 wrong usage."
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about = "Receives webhooks in front of StackStorm."
    top = argparse.ArgumentParser(prog="gateway", description=about, epilog=EPILOG)
    top.add_argument("--config", type=Path, required=True, help="gateway.yaml")
    top.add_argument("--check", action="store_true", help="only say whether that can be used")
    top.add_argument("--version", action="version", version=version())
    return top


def main() -> int:
    """Serve until SIGTERM, read the configuration anew at SIGHUP, and return the exit code."""
    arguments = parser().parse_args()
    path: Path = arguments.config
    try:
        settings = config.read(path)
        if arguments.check:
            return 0
        asyncio.run(_serve(settings, path))
    except (ConfigError, SpoolError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        why = os.strerror(error.errno) if error.errno else str(error)
        print(f"gateway: cannot listen on {where}: {why}; is one running already?", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Config, path: Path) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # one that comes too early changes nothing
    async with running(settings, sys.stdout) as gateway:
        loop.add_signal_handler(signal.SIGHUP, _reload, gateway, path)
        await stop.wait()


def _reload(gateway: Gateway, path: Path) -> None:
    try:
        gateway.reload(config.read(path))
        print(f"gateway: {path} was read again", file=sys.stderr, flush=True)
    except ConfigError as error:
        print(f"gateway: {error}; what was read before stays in use", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
