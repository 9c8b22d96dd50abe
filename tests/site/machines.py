"""Five machines fresh from Debian's installer, and what is around them: Git, GitHub, Jenkins, StackStorm."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from lab import ports
from lab.base import bare, layer, rootfs
from lab.base.recipe import Recipe
from lab.consul import binary
from lab.down import down
from lab.git import clone
from lab.git import server as git
from lab.github import host as github
from lab.hosts import common, keys
from lab.hosts.container import PATH, Container
from lab.jenkins import host as jenkins
from lab.kernel_limits import KernelLimits
from lab.lock import held
from lab.places import Places
from lab.stackstorm import engine
from lab.world import SSH_PORT, Host
from tests.site import files
from tests.site.world import APT, IS_WHOLE, STACK, SiteWorld

CACHE_SECONDS = 900.0
# What roles install of Debian.
DOWNLOADED = (
    *("adduser", "aptly", "curl", "git", "gpg", "gpg-agent", "gpgv", "haproxy", "iproute2", "jq"),
    *("nginx-light", "pipexec", "procps", "slirp4netns", "sudo"),
)
# StackStorm's own command, as far as the roles call it.
ST2CTL = """#!/usr/bin/python3
import urllib.request
key = open("{key}").read().strip()
headers = {{"St2-Api-Key": key, "Content-Type": "application/json"}}
url = "http://{control}:9101/v1/packs/register"
urllib.request.urlopen(urllib.request.Request(url, b'{{"packs": ["cicd"]}}', headers), timeout=60)
"""


class Machines:
    """
    The machines of *world*, below *places*; `site` is their data file.

    *installed* are packages of Debian that have to be on a machine before it is a site's.
    """

    def __init__(self, places: Places, world: SiteWorld, installed: Sequence[str] = ()) -> None:
        self.places, self.world = places, world
        with held(places.cache_lock, CACHE_SECONDS):
            self._bare = bare.build(places, DOWNLOADED)
            self._layers = _layers(places, self._bare, installed)
            consul = rootfs.kept(places, f"consul-package-{binary.SHA256[:12]}", binary.download)
        self.site = files.make(places, world, consul)
        self.containers = {
            host.name: Container(places, host, self._bare, layers=self._layers) for host in world.machines
        }

    def start(self) -> None:
        """Boot everything, and let StackStorm, the Git server and Jenkins be there before the site."""
        KernelLimits().take(self.places, len(self.world.hosts))
        for container in self.containers.values():
            self._prepare(container)
            container.start()
        if IS_WHOLE:
            self._start_others()
            self._start_stackstorm()
        for host in self.world.machines:
            self.containers[host.name].wait_booted()
            ports.wait(host.address, SSH_PORT, f"sshd of {host.name}")

    def end(self) -> None:
        down(self.places)

    def run(self, name: str, *argv: str) -> str:
        """Run *argv* on the machine *name* and return its output."""
        return self.containers[name].run(*argv)

    def upper(self, path: Path) -> Path:
        """Return where this machine sees the *path* of StackStorm's."""
        return self.places.hosts / STACK / "upper" / path.relative_to("/")

    def _start_others(self) -> None:
        with held(self.places.cache_lock, CACHE_SECONDS):
            base = rootfs.build(self.places, Recipe())
            tools = layer.build(self.places, Recipe(), base)
        container = Container(self.places, self.world.infra, base, layers=[tools])
        container.prepare()
        common.configure(container, self.places, self.world, PATH)
        git.configure(container, self.places)
        jenkins.configure(container, self.places, self.world)
        github.configure(container, self.places, self.world)
        container.start()
        container.wait_booted()
        git.create(container)
        clone.make(self.places, self.world)
        git.arm(container, self.world, (self.places.secrets / "github_secret").read_text())

    def _prepare(self, container: Container) -> None:
        """Give the machine what an installer asks for: a name, an address, and an administrator's key."""
        container.prepare()
        host, disk = container.host, container.disk
        disk.write("etc/hostname", f"{host.name}\n")
        disk.write("etc/hosts", f"127.0.0.1 localhost\n{host.address} {host.name}\n")
        disk.write("etc/ssh/sshd_config", common.SSHD.format(port=SSH_PORT, address=host.address, path=PATH))
        secret = (self.places.secrets / host.name).read_bytes()
        disk.write("etc/ssh/ssh_host_ed25519_key", secret, mode=0o600)
        disk.write("etc/systemd/journald.conf.d/lab.conf", common.JOURNAL)
        disk.folder("root/.ssh", mode=0o700)
        disk.write("root/.ssh/authorized_keys", keys.public(self.places, "admin"), mode=0o600)
        common.distribution(container, self.world.address(APT))
        if host.name == STACK:
            self._prepare_stackstorm(host)

    def _prepare_stackstorm(self, host: Host) -> None:
        """StackStorm runs beside its machine, and sees the folders that it shares with it."""
        disk = self.containers[host.name].disk
        disk.write("usr/local/bin/st2ctl", self._st2ctl(), mode=0o755)
        trees = [tree for tree in (*self._layers, self._bare) if (tree / "etc/group").exists()]
        groups = (trees[0] / "etc/group").read_text()
        disk.write("etc/group", f"{groups}st2:x:900:\n")
        for folder in (self.places.configs, self.places.root / "pack"):
            self.upper(folder).mkdir(parents=True)
            folder.symlink_to(self.upper(folder))

    def _st2ctl(self) -> str:
        return ST2CTL.format(control=self.world.control, key=self.places.root / "pack" / "api.key")

    def _start_stackstorm(self) -> None:
        found = engine.find(self.world)
        engine.wait(self.places, engine.start(self.places, self.world))
        shutil.copy(engine.gateway_key(self.places, found), self.places.root / "files")


def _layers(places: Places, tree: Path, installed: Sequence[str]) -> list[Path]:
    """Return what lies over *tree* so that the packages *installed* are there."""
    if not installed:
        return []
    return [layer.build(places, Recipe(packages=(tree.name,), build_tools=tuple(installed)), tree)]
