"""The command line: `serve` and `validate`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from st2local.errors import St2Error

if TYPE_CHECKING:
    from st2local.assembly import Settings

KEPT_DAYS = 14  # of executions that ended
EPILOG = (
    "Exit status: 0 stopped by SIGTERM, or nothing is wrong with the pack; "
    "1 it cannot start, or something is wrong; 2 wrong usage."
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about = "Runs packs of StackStorm in one process, with its API."
    top = argparse.ArgumentParser(prog="st2local", description=about, epilog=EPILOG)
    commands = top.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run packs and serve StackStorm's API until SIGTERM")
    serve.add_argument(
        "--pack", dest="packs", type=Path, action="extend", required=True, nargs="+", metavar="PATH"
    )
    serve.add_argument("--configs", type=Path, metavar="DIR", help="holds <pack>.yaml for each pack")
    serve.add_argument("--data", type=Path, default=Path("build/st2local"), metavar="DIR")
    serve.add_argument("--virtualenvs", type=Path, metavar="DIR")
    serve.add_argument("--pack-python", default=sys.executable, metavar="PYTHON", help="makes them")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--api-port", type=int, default=9101)
    serve.add_argument("--auth-port", type=int, default=9100)
    serve.add_argument("--stream-port", type=int, default=9102)
    serve.add_argument("--web", type=Path, metavar="DIR", help="a built st2web, to serve with the rest")
    serve.add_argument("--web-port", type=int, default=8080)
    serve.add_argument("--password-file", type=Path, metavar="FILE", help="lines of user:password; mode 0600")
    serve.add_argument(
        "--keep-days",
        type=_days,
        default=KEPT_DAYS,
        metavar="N",
        help="of executions that ended; 0 keeps all",
    )
    serve.add_argument("--verbose", action="store_true")
    validate = commands.add_parser("validate", help="say everything that is wrong with a pack")
    validate.add_argument("path", type=Path)
    validate.add_argument("--pack", type=Path, action="append", default=[], help="another pack it depends on")
    validate.add_argument(
        "--config", type=Path, metavar="FILE", help="values to check against its config schema"
    )
    return top


def _days(text: str) -> int:
    days = int(text)
    if days < 0:
        raise ValueError
    return days


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        return _serve(arguments) if arguments.command == "serve" else _validate(arguments)
    except St2Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _serve(arguments: argparse.Namespace) -> int:
    from st2local.assembly import Settings
    from st2local.server import serve

    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("asyncio", "stevedore", "orquesta"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    given = {name: value for name, value in vars(arguments).items() if name not in ("command", "verbose")}
    given["virtualenvs"] = arguments.virtualenvs or arguments.data / "virtualenvs"
    settings = Settings(**given)
    serve(settings, lambda: _announce(settings))
    sys.stdout.flush()
    # Workers may still wait for actions that were just killed; nothing of theirs is to be kept.
    os._exit(0)


def _announce(settings: Settings) -> None:
    print(f"ready: {settings.api_url}", flush=True)
    if settings.web:
        print(f"web UI: {settings.web_url}", flush=True)


def _validate(arguments: argparse.Namespace) -> int:
    from st2local.validation.validate import validate

    findings = validate(arguments.path, arguments.pack, arguments.config)
    for finding in findings:
        print(finding)
    count = len(findings)
    print(f"{arguments.path}: {count or 'no'} finding{'' if count == 1 else 's'}", file=sys.stderr)
    return 1 if findings else 0
