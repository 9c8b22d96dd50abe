"""Two build hosts and a repository host that can be killed at any step of a build."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
import yaml

from cicd import config
from cicd.package.build_hosts import choose
from cicd.release.host import Host
from tests.conformance.local import ROOT, USER, Local
from tests.fleet import sshd
from tests.fleet.loopback import Loopback, Machine
from tests.package.building import commit, project, write
from tests.package.publishing import KEY, RepositoryHost

HERE = Path(__file__).parent
SERVICES = {"build": ("site-build", "package"), "apt": ("site-apt", "publish")}
PROJECTS = {
    "app": {"repository": "acme/app"},
    "web": {"repository": "acme/app", "verify_reproducible": "refuse"},
}
BUILD = "script/build"
SANDBOX = "/usr/libexec/cicd-sandbox"
TOOLS = ("git", "tar", "base64", "nfpm", "rm", "sftp-server", "aptly")


class Site(Loopback):
    """The hosts, each of which can be killed and started alone; StackStorm runs the pack for them."""

    def __init__(self, folder: Path, consul: str, repository: RepositoryHost) -> None:
        super().__init__(folder / "hosts", 3, net=78, consul=consul, names="host{}")
        self.builders, self.publisher = self.machines[:2], self.machines[2]
        self._repository = repository
        self._alive: dict[str, subprocess.Popen[bytes]] = {}
        self.code = project(folder / "code" / "acme" / "app")
        self.local = Local(folder / "st2", packs=[ROOT])

    def __enter__(self) -> Site:
        super().__enter__()
        self._configure()
        self.rest = self.local.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.local.stop()
        super().__exit__(*error)

    def start(self, machines: list[Machine]) -> None:
        """Start each of *machines* in a namespace of its own, and tell Consul that it is healthy."""
        for machine in machines:
            super().start([machine])
            self._alive[machine.name] = self._processes[-1]
            self.register(machine)

    def kill(self, machine: Machine) -> None:
        """End everything that runs on *machine*, at once."""
        self._alive[machine.name].kill()
        self._alive.pop(machine.name).wait(20)

    def revive(self) -> None:
        """Let every host run, with nothing that goes wrong."""
        for machine in self.machines:
            for name in ("fault", "reached"):
                (machine.folder / name).unlink(missing_ok=True)
        self.start([machine for machine in self.machines if machine.name not in self._alive])
        requests.delete(f"{self._consul}/v1/kv/cicd/.failed-builders?recurse", timeout=10)

    def change(self, builds: bool = False) -> str:
        """Commit something new, too large for one packet, which a script of the project *builds* or not."""
        (self.code / "data").write_bytes(os.urandom(100_000))
        if builds:
            write(self.code / BUILD, '#!/bin/sh\ncp -R . "$CICD_OUTPUT"\n', executable=True)
        else:
            (self.code / BUILD).unlink(missing_ok=True)
        return commit(self.code)

    def forget_mirrors(self) -> None:
        """Let both build hosts clone the project as if for the first time."""
        for machine in self.builders:
            shutil.rmtree(machine.folder / "home/mirrors", ignore_errors=True)

    def publish(self, of: str) -> str:
        """Start step 6 to 12 for the commit *of*, which CI passed, and return the execution."""
        self.run_is(of, "passed")
        asked = {"project": "app", "commit": of}
        return str(self.rest.start("cicd.publish_apt_package", asked)["id"])

    def run_is(self, of: str, stage: str, project: str = "app", **more: object) -> None:
        """Let the run of the commit *of* be at *stage*."""
        run = {"stage": stage, "at": 1.0, "build": 7, **more}
        url = f"{self._consul}/v1/kv/cicd/{project}/runs/{of}"
        requests.put(url, json=run, timeout=10).raise_for_status()

    def steps(self, execution: str, action: str) -> list[Any]:
        """Return the executions of *action* in the workflow *execution*, oldest first."""
        return [x for x in self.rest.children(execution) if x["action"]["ref"] == f"cicd.{action}"]

    def first_choice(self, of: str) -> Machine:
        """Return the host that the commit *of* will be built on when both are idle."""
        hosts = [Host(machine.name, machine.address) for machine in self.builders]
        chosen = choose(hosts, {}, (), of)
        return next(machine for machine in self.builders if chosen and machine.name == chosen.name)

    def _prepare(self, machine: Machine) -> None:
        super()._prepare(machine)
        if machine == self.machines[2]:
            (machine.folder / "home").symlink_to(self._repository.home)
        else:
            (machine.folder / "home").mkdir()
        (machine.folder / "tools").mkdir()
        for tool in TOOLS:
            (machine.folder / "tools" / tool).symlink_to(HERE / "tool.sh")
        (machine.folder / "tools" / "sudo").symlink_to(HERE / "sudo.sh")
        server = sshd.find()[1].parent
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:{server}"
        settings = machine.folder / "sshd_config"
        text = settings.read_text().replace("SetEnv ", f'SetEnv "TOOLS={path}" ')
        settings.write_text(f"{text}ForceCommand {HERE / 'enter.sh'}\n")

    def _namespace(self) -> list[str]:
        """Return what a host needs as well, among it the stand-in of what only a booted host has."""
        folder = Path(SANDBOX)
        given = [f"mount -t tmpfs tmpfs {folder.parent}", f"mkdir {folder}"]
        given += [f"ln -s {HERE / 'sandbox.sh'} {folder / 'run'}"]
        return [*super()._namespace(), *(given if os.geteuid() == 0 else [])]

    def unregister(self, machine: Machine) -> None:
        """Let Consul know nothing of *machine*."""
        body = {"Node": machine.name}
        requests.put(f"{self._consul}/v1/catalog/deregister", json=body, timeout=10).raise_for_status()

    def register(self, machine: Machine, *tags: str) -> None:
        """Tell Consul that *machine* is healthy, and carries *tags* as well."""
        service, tag = SERVICES["apt" if machine == self.publisher else "build"]
        known = {"ID": service, "Service": service, "Tags": [tag, *tags], "Address": machine.address}
        body = {"Node": machine.name, "Address": machine.address, "Service": known}
        requests.put(f"{self._consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()

    def _configure(self) -> None:
        values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
        values |= {"consul": {"url": self._consul}, "projects": PROJECTS, "break_glass": {"chief": [USER]}}
        values["source"] = {"clone_url": f"{self.code.parents[1]}/{{repository}}"}
        names = {kind: dict(zip(("service", "tag"), pair, strict=True)) for kind, pair in SERVICES.items()}
        values["package"] = {**names["build"], "driver": "nfpm", "lintian": "off"}
        values["repository"] |= names["apt"] | {
            "driver": "aptly", "url": self._repository.url, "architectures": self._repository.architectures,
            "config_file": str(self._repository.config), "gpg_key": KEY, "keep_versions": 1,
        }  # fmt: skip
        values["ssh"] = {
            "user": self.user, "port": self.port, "connect_timeout": 3,
            "private_key_file": str(self.private_key), "known_hosts_file": str(self.known_hosts),
        }  # fmt: skip
        self.settings = config.parse(values)
        (self.local.directory / "configs" / "cicd.yaml").write_text(yaml.safe_dump(values))
