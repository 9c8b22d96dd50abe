"""A booted build host with cicd-sandbox, reached by SSH as the pack reaches it."""

from __future__ import annotations

import copy
import shutil
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from cicd import config
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.package import archived_tree, build, contract, project_build
from cicd.package.build import Described
from cicd.package.tree import Tree
from cicd.release.host import Host
from lab import cgroups, ports
from lab.base import layer, rootfs
from lab.base.recipe import Recipe
from lab.down import power_off
from lab.hosts import build as build_host
from lab.hosts import common, keys, packages
from lab.hosts.container import PATH, Container
from lab.kernel_limits import KernelLimits
from lab.lock import held
from lab.places import Places
from lab.world import SSH_PORT, World
from tests.conformance.local import ROOT
from tests.package.building import commit, project, write

CACHE_SECONDS = 900.0
Where = tuple[Settings, Host, str, Project, str]


class Builder:
    """The host, and a project whose commits it builds."""

    def __init__(self, places: Places, world: World) -> None:
        self._places = places
        with held(places.cache_lock, CACHE_SECONDS):
            base = rootfs.build(places, Recipe())
            tools = layer.build(places, Recipe(), base)
        self.container = Container(places, world.builders[0], base, layers=[tools])
        self.host = Host(self.container.host.name, self.container.host.address)
        self._folder = Path(tempfile.mkdtemp())
        self.code = project(self._folder / "acme" / "app")
        self._world = world

    def start(self) -> None:
        """Boot the host, and give it what a build host has."""
        keys.make(self._places, self._world)
        self.container.prepare()
        common.configure(self.container, self._places, self._world, PATH)
        build_host.configure(self.container)
        KernelLimits().take(self._places, 1)
        self.container.start()
        package = packages.build(self._places, packages.SANDBOX)
        self.container.wait_booted()
        packages.install(self.container, package)
        ports.wait(self.host.address, SSH_PORT, "sshd")

    def settings(self, **package: Any) -> Settings:
        """Return the pack's configuration, with *package* in its section."""
        values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
        values["projects"] = {"app": {"repository": "acme/app"}}
        values["source"] = {"clone_url": "/home/cicd/git/{repository}"}
        values["package"] = {"driver": "nfpm", "build_disk": 64, "build_seconds": 60, **package}
        values["ssh"] = {
            "user": "cicd",
            "port": SSH_PORT,
            "private_key_file": str(self._places.secrets / "user"),
            "known_hosts_file": str(self._places.secrets / "known_hosts"),
        }
        return config.parse(values)

    def push(self, script: str) -> str:
        """Let *script* be the project's build, and return the commit."""
        write(self.code / "script" / "build", f"#!/bin/sh\nset -eu\n{script}\n", executable=True)
        tested = commit(self.code)
        there = Path(f"/proc/{self.container.require_on()}/root/home/cicd/git/acme/app")
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(self.code / ".git", there)
        self.container.run("chown", "-R", "cicd:", "/home/cicd/git")
        return tested

    def build(self, script: str, **package: Any) -> tuple[Tree, str, str]:
        """Build a commit whose build is *script*; return the tree, what was noted, and the run."""
        where, described = self.described(script, **package)
        return *project_build.build_tree(*where, described), where[2]

    def take(self, wanted: str, recorded: dict[str, str], archived: dict[str, bytes]) -> tuple[Tree, str]:
        """Take the artifact *wanted* of *archived*, whose digests were *recorded*; return tree and run."""
        where, described = self.described("true")
        described["metadata"]["artifact"] = wanted

        def download(path: str, write: Callable[[bytes], object], limit: int) -> int:
            write(archived[path])
            return len(archived[path])

        return archived_tree.build_tree(*where, described, recorded, download), where[2]

    def described(self, script: str, **package: Any) -> tuple[Where, Described]:
        """Fetch a commit whose build is *script*, and return where it is and what its package will be."""
        run, settings = uuid.uuid4().hex, self.settings(**package)
        known, tested = settings.project("app"), self.push(script)
        build.fetch_commit(settings, self.host, run, known, tested)
        with Shell(settings, self.host) as shell:
            found = contract.read(shell, run, known, tested, 60)
        described: Described = {
            "version": found.version,
            "time": found.time,
            "metadata": asdict(found.metadata),
            "tree": {"source": "build"},
        }
        return (settings, self.host, run, known, tested), described

    def tree(self, run: str) -> dict[str, str]:
        """Return the files of the tree of *run*, with their text."""
        place = f"/home/cicd/builds/{run}/tree"
        names = self.container.run("find", place, "-type", "f", "-printf", "%P\\n").splitlines()
        return {name: self.container.run("cat", f"{place}/{name}") for name in sorted(names)}

    def left(self) -> str:
        """Return what builds have left on the host outside of their runs: nothing, when it is clean."""
        return self.container.run(
            "sh", "-c",
            "ps -eo user:20,args | grep -E '^cicd-build|[s]lirp4netns' || true;"
            "ls /run/netns /tmp | grep -E 'cicd-build|^tmp' || true;"
            "find /run/cicd-sandbox -type f -size +0 -o -name '*.*';"
            "systemctl list-units --all --no-legend 'cicd-build*'",
        )  # fmt: skip

    def end(self) -> None:
        """End the host and remove its disk."""
        power_off(self._places, self.host.name)
        cgroups.remove(self._places)
        KernelLimits().give_back(self._places)
        shutil.rmtree(self._places.root, ignore_errors=True)
        shutil.rmtree(self._folder)
