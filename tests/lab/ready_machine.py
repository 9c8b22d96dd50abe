"""A machine that stands ready: booted, with sshd, cloud-init and an administrator's key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from cicd import config
from lab import cgroups, ports
from lab.base import layer, rootfs
from lab.base.recipe import Recipe
from lab.down import power_off
from lab.hosts import common
from lab.hosts.container import PATH, Container
from lab.kernel_limits import KernelLimits
from lab.lock import held
from lab.places import Places
from lab.world import SSH_PORT, Host

CACHE_SECONDS = 900.0
EXAMPLE = Path(__file__).parents[2] / "cicd.yaml.example"


class ReadyMachine:
    """The machine at *address*, whose disk is in the lab's *places*, and the *consul* of who asks for it."""

    def __init__(self, places: Places, address: str, consul: str) -> None:
        self.places, self._consul = places, consul
        self.host = Host("ready1", "ready", None, address)
        with held(places.cache_lock, CACHE_SECONDS):
            base = rootfs.build(places, Recipe())
            image = layer.build(places, Recipe(build_tools=("cloud-init",)), base)
        self.container = Container(places, self.host, base, layers=[image])
        self.folder = places.root / "keys"

    def boot(self) -> None:
        self.folder.mkdir(parents=True)
        for name in ("host", "admin"):
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
            subprocess.run(argv, check=True)
        self.container.prepare()
        disk, key = self.container.disk, (self.folder / "host.pub").read_text()
        disk.write("etc/hosts", "127.0.0.1 localhost\n")
        disk.write("etc/hostname", "ready1\n")
        disk.write("etc/systemd/journald.conf.d/lab.conf", common.JOURNAL)
        sshd = common.SSHD.format(port=SSH_PORT, address=self.host.address, path=PATH)
        disk.write("etc/ssh/sshd_config", sshd)
        disk.write("etc/ssh/ssh_host_ed25519_key", (self.folder / "host").read_bytes(), mode=0o600)
        disk.write("etc/ssh/ssh_host_ed25519_key.pub", key)
        disk.folder("root/.ssh", mode=0o700)
        disk.write("root/.ssh/authorized_keys", (self.folder / "admin.pub").read_text(), mode=0o600)
        for unit in ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final"):
            disk.link(f"etc/systemd/system/{unit}.service", "/dev/null")  # it was installed long ago
        (self.folder / "known_hosts").write_text(f"[{self.host.address}]:{SSH_PORT} {key}")
        KernelLimits().take(self.places, 1)
        self.container.start()
        self.container.wait_booted()
        ports.wait(self.host.address, SSH_PORT, "sshd")

    def settings(self, *others: str, site: str = "acme", **files: str) -> config.Settings:
        """Return a configuration with this machine, and those at the addresses of *others*."""
        return config.parse(self.configuration(*others, site=site, **files))

    def configuration(self, *others: str, site: str = "acme", **files: str) -> dict[str, Any]:
        """Return it as the pack is given it."""
        given: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
        keys = {
            "private_key_file": str(self.folder / "admin"),
            "known_hosts_file": str(self.folder / "known_hosts"),
        }
        provider = {"driver": "existing", "addresses": [*others, self.host.address]}
        ours = {
            "consul": {"url": self._consul},
            "ssh": {**keys, "port": SSH_PORT, "connect_timeout": 5, **files},
            "administration": {"ssh_key_file": keys["private_key_file"]},
            "machines": {"site": site, "providers": {"rack": provider}},
        }
        return {**given, **ours}

    def run(self, *argv: str) -> str:
        """Run *argv* there and return what it says."""
        return self.container.run(*argv)

    def end(self) -> None:
        power_off(self.places, self.host.name)
        cgroups.remove(self.places)
        KernelLimits().give_back(self.places)
        shutil.rmtree(self.places.root, ignore_errors=True)
