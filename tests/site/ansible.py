"""Ansible, which makes the site's machines by infra/ansible over SSH."""

import os
import re
import subprocess
from pathlib import Path

from lab.places import REPOSITORY, Places

HOME = REPOSITORY / "build" / "venvs" / "ansible" / "bin"
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) ", re.MULTILINE)
COLLECTION = REPOSITORY / "infra" / "ansible"


class Ansible:
    """Runs the playbook for the data file *site*."""

    name = "ansible"
    packages = ()

    def __init__(self, places: Places, site: Path) -> None:
        self._places, self._site = places, site
        namespace = places.root / "collections" / "ansible_collections" / "cicd"
        namespace.mkdir(parents=True)
        (namespace / "hosts").symlink_to(COLLECTION)

    def apply(self, *machines: str) -> dict[str, int]:
        """Make all machines, or only *machines*, and return how much was changed on each."""
        return self._run(machines)

    def preview(self, *machines: str) -> dict[str, int]:
        """Return how much `apply` would change; nothing is."""
        return self._run(machines, "--check", "--diff")

    def _run(self, machines: tuple[str, ...], *options: str) -> dict[str, int]:
        key = f"--private-key={self._places.secrets / 'admin'}"
        argv = [str(HOME / "ansible-playbook"), "-i", str(self._site), "-u", "root", key, *options]
        argv += ["--limit", ",".join(machines)] if machines else []
        done = subprocess.run(
            [*argv, "cicd.hosts.site"],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        with (self._places.logs / "ansible.log").open("a") as log:
            log.write(done.stdout + done.stderr)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return changes(done.stdout)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CONFIG": str(COLLECTION / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self._places.root / "collections"),
            "ANSIBLE_HOME": str(self._places.root / "ansible"),
        }


def changes(output: str) -> dict[str, int]:
    """Return how much was changed on each machine, as the play's recap says."""
    return {name: int(number) for name, number in RECAP.findall(output)}
