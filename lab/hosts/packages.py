"""Our own packages: made of this checkout, and installed on hosts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.errors import LabError
from lab.hosts.container import Container
from lab.places import REPOSITORY, Places

AGENT, SANDBOX, BALANCER = "host", "sandbox", "balancer"


def build(places: Places, source: str) -> Path:
    """Build the package of the folder *source* of this checkout, one of those above, and return it."""
    folder = places.root / "packages" / source
    argv = [sys.executable, "-m", f"{source}.build", str(folder)]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    packages = list(folder.glob("*.deb"))
    if done.returncode != 0 or len(packages) != 1:
        said = done.stderr.strip()[-300:]
        raise LabError(f"{source}/ could not be packaged: {said}", f"Correct {source}/.")
    return packages[0]


def install(container: Container, package: Path) -> None:
    """Install *package* on the running host; its settings there stay as they are."""
    place = f"/root/{package.name}"
    container.copy_in(package, place)
    options = ["--force-confold", "--force-confdef"]
    container.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", *options, "-i", place)
    container.run("rm", place)
