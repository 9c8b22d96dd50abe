"""`cicd-traffic`: keep HAProxy's map of shares as Consul wants it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from balancer.config import FILE, Config
from balancer.haproxy import HAProxy
from balancer.traffic import Traffic
from balancer.version import version
from follow import settings
from follow.errors import FollowError
from follow.follower import Follower

EPILOG = "Runs until it is stopped. Exit status: 1 the settings or the map cannot be used, 2 wrong usage."


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about = "Keeps HAProxy's map of shares as Consul wants it."
    top = argparse.ArgumentParser(prog="cicd-traffic", description=about, epilog=EPILOG)
    top.add_argument("--config", default=FILE, help="the file with the settings")
    top.add_argument("--version", action="version", version=version())
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Follow Consul for ever; return 1 at once when the settings are wrong."""
    try:
        config = settings.load(parser().parse_args(argv).config, Config)
        Follower(Traffic(config, HAProxy(config)), version(), _say).run()
    except (FollowError, OSError) as error:
        _say(str(error))
    return 1


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
