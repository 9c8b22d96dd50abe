"""Consul's tokens of the site, by infra/consul/tokens.py."""

import subprocess
import sys
from pathlib import Path

from lab.places import REPOSITORY

PROGRAM = REPOSITORY / "infra" / "consul" / "tokens.py"


def write(site: Path) -> None:
    """Write the secrets of all tokens of *site*."""
    _run(site)


def grant(site: Path) -> str:
    """Let Consul, which denies everything so far, know the tokens of *site*; return what was said."""
    return _run(site, "--grant")


def _run(site: Path, *options: str) -> str:
    argv = [sys.executable, str(PROGRAM), str(site), *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
