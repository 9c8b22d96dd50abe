"""One booted host: systemd, dpkg, apt and Consul of its own, with cicd-converge installed."""

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from cicd.release.record import Sibling
from cicd.release.transitions import HEALTHY, Build, Release, Ring, wanted_document
from host.build import build
from lab import cgroups, processes
from lab.base import rootfs
from lab.base.recipe import Recipe
from lab.consul import agent, binary
from lab.down import power_off
from lab.hosts import app, packages
from lab.hosts.common import APT, JOURNAL
from lab.hosts.container import Container
from lab.kernel_limits import KernelLimits
from lab.lock import held
from lab.places import Places
from lab.world import Host, World
from tests.host.repository import Repository

CACHE_SECONDS = 900.0
SETTINGS = {
    "DRAIN_SECONDS": "0.2",
    "DRAIN_LIMIT_SECONDS": "1",
    "MIN_HEALTHY_SECONDS": "1",
    "HEALTH_LIMIT_SECONDS": "5",
    "APT_LIMIT_SECONDS": "20",
    "APT_LOCK_SECONDS": "1",
    "APT_SILENCE_SECONDS": "3",
    "VERIFY_SECONDS": "0",
}


class Machine:
    """The host, and the few things that tests do to it."""

    def __init__(self, places: Places, network: str, repository: Repository) -> None:
        self.places, self.repository = places, repository
        self.host = Host("web1", "app", "production", f"{network}.21")
        self.consul = f"http://{self.host.address}:8500"
        with held(places.cache_lock, CACHE_SECONDS):
            base = rootfs.build(places, Recipe())
            self._binary = binary.find(places)
        self.container = Container(places, self.host, base)
        self._generation = 0
        self.ring = "production"

    def prepare(self) -> None:
        """Write the disk of a host that has just been installed."""
        self.container.prepare()
        disk, address = self.container.disk, self.host.address
        disk.write("etc/hosts", f"127.0.0.1 localhost\n{address} web1\n")
        disk.write("etc/hostname", "web1\n")
        disk.write("etc/systemd/journald.conf.d/lab.conf", JOURNAL)
        disk.write("etc/apt/apt.conf.d/50lab", APT)
        disk.write("etc/apt/cicd.asc", self.repository.key)
        disk.write("etc/apt/sources.list.d/cicd.list", self.repository.source)
        disk.write("etc/cicd/projects/greeter.conf", app.project_settings(self.host))
        disk.write("etc/default/greeter", f"GREETER_HOST={address}\nGREETER_PORT=8080\n")
        disk.link("etc/systemd/system/ssh.service", "/dev/null")
        self.settings()
        world = World(address.rpartition(".")[0])
        alone = {**agent.agent(self.host, world), "server": True, "bootstrap_expect": 1, "retry_join": []}
        disk.write("etc/consul.d/agent.json", json.dumps(alone))
        disk.folder("var/lib/consul", owner="consul")
        disk.unit("consul.service", agent.UNIT)

    def settings(self, **changed: str) -> None:
        """Write converge.conf with short waits, and with *changed* settings."""
        values = {"CONSUL_HTTP_ADDR": self.consul, "CONSUL_TOKEN_FILE": "", **SETTINGS, **changed}
        text = "".join(f"{key}={value}\n" for key, value in values.items())
        if self.container.init() is None:
            self.container.disk.write("etc/cicd/converge.conf", text)
        else:
            self.run("tee", "/etc/cicd/converge.conf", stdin=text)

    def boot(self) -> None:
        """Start the host, again if it ran before, and wait for its Consul."""
        KernelLimits().take(self.places, 1)
        self.container.start([f"{self._binary}:/usr/local/bin/consul"])
        self.container.wait_booted()
        wait_for(self._has_leader)

    def cut_power(self) -> None:
        """End everything on the host at once."""
        power_off(self.places, self.host.name)

    def install_agent(self, package: Path) -> None:
        """Install cicd-converge; it does not run by itself unless a test lets it."""
        packages.install(self.container, package)
        self.quiet()
        self.run("systemctl", "disable", "cicd-converge-watch@greeter.service")

    def quiet(self) -> None:
        """Stop what runs cicd-converge by itself, and wait for a run that has begun."""
        self.run("systemctl", "stop", "cicd-converge.timer", "cicd-converge-watch@greeter.service")
        wait_for(lambda: "/usr/bin/cicd-converge" not in self.run("ps", "-eo", "args"))

    def register(self, *tags: str) -> None:
        """Register the service, as the ring of *tags* needs it."""
        tagged = list(tags) or ["greeter::app", *(["greeter::app_canary"] if self.ring == "canary" else [])]
        service = {
            "Name": "greeter",
            "Tags": tagged,
            "Port": 8080,
            "Address": self.host.address,
        }
        self.put("/v1/agent/service/register", service)

    def want(
        self,
        version: str,
        state: str = HEALTHY,
        sha256: str = "",
        trace: str = "",
        siblings: tuple[Sibling, ...] = (),
    ) -> int:
        """Advertise *version* on this host's ring, as the pack does, and return the generation."""
        self._generation += 1
        digest = sha256 or self.repository.published[version]
        build = Build(version, "greeter", "a" * 40, digest, trace, siblings=siblings)
        ring = Ring(state, build, generation=self._generation)
        release = Release("greeter", self._generation, {self.ring: ring})
        self.put(f"/v1/kv/cicd/greeter/wanted/{self.ring}", wanted_document(release, self.ring))
        return self._generation

    def put(self, path: str, body: object = "") -> None:
        """PUT *body*, JSON unless it is text, to this host's Consul."""
        data = body if isinstance(body, str) else json.dumps(body)
        requests.put(f"{self.consul}{path}", data=data, timeout=10).raise_for_status()

    def converge(self, *words: str) -> dict[str, Any]:
        """Run cicd-converge and return its report; its exit code must say the same."""
        done = self.spawn("cicd-converge", *(words or ("greeter",)))
        out, progress = done.communicate(timeout=120)
        assert out.count("\n") == 1, progress
        report: dict[str, Any] = json.loads(out)
        assert done.returncode == (1 if report["state"] == "failed" else 0), progress
        return report

    def spawn(self, *argv: str) -> subprocess.Popen[str]:
        """Start *argv* on the host."""
        enter = ["nsenter", "--target", str(self.container.init()), "--all", "env", "-i"]
        command = [*enter, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *argv]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=processes.environment(self.places),
        )

    def run(self, *argv: str, stdin: str = "") -> str:
        """Run *argv* on the host and return what it says."""
        return self.container.run(*argv, stdin=stdin)

    def kill_converge(self) -> None:
        """kill -9 the program, and nothing that it has started."""
        self.run("pkill", "-9", "-f", "^/bin/sh /usr/bin/cicd-converge")

    def installed(self) -> str:
        """Return dpkg's word: want, error and status, version."""
        return self.run("dpkg-query", "-W", "-f", "${Status} ${Version}", "greeter")

    def serves(self) -> str:
        """Return the version that answers; empty when nothing does."""
        try:
            url = f"http://{self.host.address}:8080/version"
            return str(requests.get(url, timeout=2).json()["version"])
        except (requests.RequestException, ValueError):
            return ""

    def in_traffic(self) -> bool:
        """Whether load balancers send requests here: nothing but maintenance keeps them away."""
        found = requests.get(f"{self.consul}/v1/health/service/greeter?passing", timeout=10).json()
        return [one["Node"]["Node"] for one in found].count(self.host.name) == 1

    def stored(self) -> dict[str, Any]:
        """Return the report in Consul."""
        report: dict[str, Any] = requests.get(
            f"{self.consul}/v1/kv/cicd/greeter/hosts/web1?raw", timeout=10
        ).json()
        return report

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[bool]]:
        """Sample all the time whether the host is in traffic; the list grows while the block runs."""
        samples: list[bool] = []
        done = threading.Event()

        def sample() -> None:
            while not done.wait(0.02):
                samples.append(self.in_traffic())

        thread = threading.Thread(target=sample, daemon=True)
        thread.start()
        try:
            yield samples
        finally:
            done.set()
            thread.join()

    @contextlib.contextmanager
    def full_disk(self, path: str) -> Iterator[None]:
        """Lay a disk without room over the folder *path*."""
        self.run("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", path)
        self.run("mkdir", "-p", f"{path}/partial")
        try:
            yield
        finally:
            self.run("umount", path)

    def end(self) -> None:
        """End the host and remove its disk."""
        self.cut_power()
        cgroups.remove(self.places)
        KernelLimits().give_back(self.places)
        shutil.rmtree(self.places.root, ignore_errors=True)

    def _has_leader(self) -> bool:
        """Whether Consul answers what is true now: just after its start a leader may not know it yet."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.consul}/v1/kv/?keys&consistent", timeout=2).status_code in (200, 404)
        return False


def package(folder: Path) -> Path:
    """Return cicd-converge's package."""
    return build(folder)


def wait_for(question: Callable[[], Any], seconds: float = 60) -> Any:
    """Return the first true answer to *question*."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)
    return answer
