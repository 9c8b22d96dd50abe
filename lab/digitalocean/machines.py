"""The machines behind the cloud's API: each boots systemd, and cloud-init reads its user-data."""

from __future__ import annotations

import json
import shutil
import time

from lab.base import layer
from lab.base.recipe import Recipe
from lab.consul import agent, binary
from lab.down import power_off
from lab.hosts import common
from lab.hosts.container import PATH, Container, escaped
from lab.hosts.fleet import base_of
from lab.places import Places
from lab.world import Host, World

FIRST_ADDRESS = 100
NEW_SECONDS = 20.0
SEED = "var/lib/cloud/seed/nocloud"
# What an image of this cloud has: without more modules than these a machine boots in seconds.
CLOUD = """datasource_list: [NoCloud, None]
network: {config: disabled}
disable_root: true
ssh_genkeytypes: [ed25519]
cloud_init_modules: [write-files, set_hostname, ssh]
cloud_config_modules: [apt-configure, locale, runcmd]
cloud_final_modules: [package-update-upgrade-install, scripts-user]
"""


class Machines:
    """The machines of a running lab's cloud, by the number of their droplet."""

    def __init__(self, places: Places, world: World) -> None:
        self._places = places
        self._world = world
        self._base = base_of(places)
        self._image = layer.build(places, Recipe(build_tools=("cloud-init",)), self._base)
        self._known: dict[int, Container] = {}
        self._began: dict[int, float] = {}

    def boot(self, number: int, name: str, user_data: str) -> None:
        """Let a machine start; returns at once."""
        host = Host(f"d{number}", "droplet", None, self._free_address())
        container = Container(self._places, host, self._base, layers=[self._image])
        self._known[number] = container
        container.prepare()
        self._configure(container, number, name, user_data)
        self._began[number] = time.monotonic()
        container.start([f"{escaped(binary.find(self._places))}:/usr/local/bin/consul"])

    def status(self, number: int) -> str:
        """Return new, active or off."""
        container = self._known.get(number)
        if container and container.init() is not None:
            return "active"
        age = time.monotonic() - self._began.get(number, time.monotonic())
        return "new" if age < NEW_SECONDS else "off"

    def address(self, number: int) -> str:
        """Return its address."""
        container = self._known.get(number)
        return container.host.address if container else ""

    def destroy(self, number: int) -> None:
        """Remove it and its disk."""
        container = self._known.pop(number)
        power_off(self._places, container.host.name)
        shutil.rmtree(container.folder, ignore_errors=True)

    def _free_address(self) -> str:
        taken = {one.host.address for one in self._known.values()}
        numbers = range(FIRST_ADDRESS, 250)
        return next(one for one in (f"{self._world.network}.{n}" for n in numbers) if one not in taken)

    def _configure(self, container: Container, number: int, name: str, user_data: str) -> None:
        """Make the disk one of a bare image: sshd without keys, Consul that is not configured, cloud-init."""
        host, disk = container.host, container.disk
        meta = {"instance-id": f"i-{number}", "local-hostname": name, "local-ipv4": host.address}
        disk.write(f"{SEED}/meta-data", json.dumps(meta))
        disk.write(f"{SEED}/user-data", user_data, mode=0o600)
        disk.write("etc/cloud/cloud.cfg.d/99_lab.cfg", CLOUD)
        disk.write("etc/hosts", f"127.0.0.1 localhost\n{host.address} {name}\n")
        disk.write("etc/hostname", "debian\n")
        disk.write("etc/ssh/sshd_config", common.sshd(host, PATH))
        disk.write("etc/systemd/journald.conf.d/lab.conf", common.JOURNAL)
        own = f'Acquire::http::Proxy::{self._world.infra.address} "DIRECT";\n'
        disk.write("etc/apt/apt.conf.d/50lab", common.APT + own)
        disk.folder("etc/consul.d")
        disk.folder("var/lib/consul", owner="consul")
        disk.write("etc/systemd/system/consul.service", agent.UNIT)
