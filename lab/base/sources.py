"""The machine's own APT: its sources and the options it needs to reach them."""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass

from lab.errors import LabError

SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
OPTIONS = (
    "Acquire::http",
    "Acquire::https",
    "Acquire::Retries",
    "Acquire::ForceIPv4",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


@dataclass(frozen=True)
class Source:
    """One component of one release in one archive."""

    uri: str
    release: str
    component: str


@functools.cache
def sources() -> list[Source]:
    """Return the machine's sources of Debian 12 itself; LabError when it has none."""
    listing = _run(
        "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"
    )
    found = [Source(*line.split()) for line in listing.splitlines() if len(line.split()) == 3]
    fitting = [s for s in found if s.release.partition("-")[0] == SUITE and s.component == "main"]
    if not any(source.release == SUITE for source in fitting):
        raise LabError(
            f"apt on this machine has no source for Debian 12 ({SUITE} main).",
            "Add one to /etc/apt/sources.list.d, then try again.",
        )
    return list(dict.fromkeys(fitting))


def lines(releases: list[Source]) -> list[str]:
    """Return *releases* as lines of a sources.list, verified with Debian's own keyring."""
    return [f"deb [signed-by={KEYRING}] {s.uri} {s.release} {s.component}" for s in releases]


def for_hosts() -> str:
    """Return the machine's sources as a host's sources.list; empty when the machine has none of Debian 12."""
    try:
        return "".join(f"{line}\n" for line in lines(sources()))
    except LabError:
        return ""


@functools.cache
def options() -> str:
    """Return the machine's APT options that reaching an archive may need (a proxy, time-outs)."""
    return _run("apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', *OPTIONS)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{argv[0]} failed: {done.stderr.strip()[-300:]}", "Repair apt on this machine first.")
    return done.stdout
