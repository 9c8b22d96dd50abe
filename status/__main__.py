"""`python3 -m status --config FILE [--check]`: serve the status page."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd import proxies
from cicd.errors import CicdError
from cicd.pack_version import version
from status import config
from status.board import Board
from status.config import Config, ConfigError
from status.server import Server, listening

LOOK_SECONDS = 5  # between two looks at the pack's configuration
EPILOG = (
    "Exit status: 0 stopped by SIGTERM, or --check found nothing wrong; "
    "1 a configuration or the address cannot be used; 2 wrong usage."
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about = "Shows what runs where, and changes nothing."
    top = argparse.ArgumentParser(prog="status", description=about, epilog=EPILOG)
    top.add_argument("--config", type=Path, required=True, help="status.yaml")
    top.add_argument("--check", action="store_true", help="only say whether that can be used")
    top.add_argument("--version", action="version", version=version())
    return top


def main() -> int:
    """Serve until SIGTERM, and return the exit code."""
    arguments = parser().parse_args()
    try:
        found = config.read(arguments.config)
        found.settings()
        if not arguments.check:
            asyncio.run(serve(found))
    except (ConfigError, CicdError) as error:
        print(f"status: {getattr(error, 'message', error)}", file=sys.stderr)
        return 1
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        print(f"status: cannot listen on {found.host}:{found.port}: {why}", file=sys.stderr)
        return 1
    return 0


async def serve(found: Config) -> None:
    """Serve until SIGTERM or SIGINT; a changed configuration of the pack is taken as it is then."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    proxies.spare_site(found.settings())
    server = Server(found, Board(found.settings()))
    async with listening(server, found):
        print(f"status: http://{found.host}:{server.port}/", file=sys.stderr, flush=True)
        following = asyncio.create_task(_follow(server, found))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def _follow(server: Server, found: Config) -> None:
    while True:
        seen = found.seen
        try:
            board = Board(found.settings())
        except ConfigError as error:
            print(f"status: {error}; what was read before stays in use", file=sys.stderr, flush=True)
            await _until_changed(found, seen)
            continue
        server.use(board)
        running = asyncio.create_task(board.run())
        changing = asyncio.create_task(_until_changed(found, seen))
        await asyncio.wait({running, changing}, return_when=asyncio.FIRST_COMPLETED)
        changing.cancel()
        if running.done():
            running.result()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _until_changed(found: Config, seen: tuple[object, ...]) -> None:
    while found.seen == seen:
        await asyncio.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
