"""`cicd-render`: keep files of this host as their templates make them of what Consul knows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from follow import settings
from follow.errors import FollowError
from follow.follower import Follower
from render import reload_haproxy
from render.config import FILE, Config
from render.rendering import Rendering
from render.version import version

EPILOG = (
    "Runs until it is stopped. Exit status: 0 all was printed, or HAProxy was reloaded; "
    "1 the settings cannot be used, a file is wrong, or the reload failed; 2 wrong usage."
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about = "Keeps files of this host as their templates make them of what Consul knows."
    top = argparse.ArgumentParser(prog="cicd-render", description=about, epilog=EPILOG)
    top.add_argument("--config", default=FILE, help="the file with the settings")
    top.add_argument("--version", action="version", version=version())
    top.add_argument("--print", action="store_true", help="print the files as they would be, and end")
    commands = top.add_subparsers(dest="command")
    about = "Reloads HAProxy; the new process begins with the servers that the old one knows."
    reload = commands.add_parser("reload-haproxy", help=about, description=about)
    reload.add_argument("socket", help="the stats socket")
    reload.add_argument("state", help="the file that `server-state-file` names")
    reload.add_argument("reload", nargs=argparse.REMAINDER, help="the command that reloads HAProxy")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Follow Consul for ever; return 1 at once when the settings are wrong."""
    given = parser().parse_args(argv)
    try:
        if given.command == "reload-haproxy":
            return reload_haproxy.run(given.socket, given.state, given.reload)
        config = settings.load(given.config, Config)
        if given.print:
            return _print(Rendering(config))
        Follower(Rendering(config), version(), _say).run()
    except (FollowError, OSError) as error:
        _say(str(error))
    return 1


def _print(rendering: Rendering) -> int:
    texts, troubles = rendering.texts()
    for destination, text in texts.items():
        print(f"==> {destination} <==\n{text}")
    for trouble in troubles:
        _say(trouble)
    return 1 if troubles else 0


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
