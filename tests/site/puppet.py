"""Puppet, which makes the site's machines by infra/puppet over SSH."""

import re
import subprocess
import sys
from pathlib import Path

from lab.places import REPOSITORY, Places

PROGRAM = REPOSITORY / "infra" / "puppet" / "apply.py"
DIFFERENCES = re.compile(r"^(\S+): (\d+) differences$", re.MULTILINE)
UNCHANGED, CHANGED = 0, 2


class Puppet:
    """Applies the module with the data file *site*."""

    name = "puppet"
    packages = ("puppet-agent", "puppet-module-puppetlabs-stdlib")

    def __init__(self, places: Places, site: Path) -> None:
        self._places, self._site = places, site

    def apply(self, *machines: str) -> dict[str, int]:
        """Make all machines, or only *machines*, and return how much was changed on each."""
        code, changed = self._run(machines)
        assert code == (CHANGED if any(changed.values()) else UNCHANGED)
        return changed

    def preview(self, *machines: str) -> dict[str, int]:
        """Return how much `apply` would change; nothing is."""
        code, differing = self._run(machines, "--noop")
        assert code == UNCHANGED
        return differing

    def _run(self, machines: tuple[str, ...], *options: str) -> tuple[int, dict[str, int]]:
        key = str(self._places.secrets / "admin")
        argv = [sys.executable, str(PROGRAM), *options, "-i", key, str(self._site), *machines]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        with (self._places.logs / "puppet.log").open("a") as log:
            log.write(done.stdout + done.stderr)
        assert done.returncode in (UNCHANGED, CHANGED), (done.stdout + done.stderr)[-4000:]
        return done.returncode, {name: int(number) for name, number in DIFFERENCES.findall(done.stdout)}
