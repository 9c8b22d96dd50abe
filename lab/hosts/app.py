"""App hosts: the repository they trust, cicd-converge, and the settings of the project they serve."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.errors import LabError
from lab.hosts.container import Container
from lab.places import REPOSITORY, Places
from lab.repository import server
from lab.world import PROJECT, ROLE, Host, World


def configure(container: Container, world: World) -> None:
    """Write what the host knows of the project, and the one repository it installs from."""
    disk, address = container.disk, container.host.address
    disk.write("etc/apt/sources.list.d/cicd.list", server.source(world))
    disk.write("etc/cicd/converge.conf", converge_settings(container.host))
    disk.write(f"etc/cicd/projects/{PROJECT}.conf", project_settings(container.host))
    disk.write(f"etc/default/{PROJECT}", f"GREETER_HOST={address}\nGREETER_PORT=8080\n")


def converge_settings(host: Host) -> str:
    """Return converge.conf, with waits as short as one machine allows."""
    settings = {
        "CONSUL_HTTP_ADDR": f"http://{host.address}:8500",
        "CONSUL_TOKEN_FILE": "",
        "DRAIN_SECONDS": "1",
        "DRAIN_LIMIT_SECONDS": "10",
        "MIN_HEALTHY_SECONDS": "2",
        "HEALTH_LIMIT_SECONDS": "30",
        "VERIFY_SECONDS": "60",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def project_settings(host: Host) -> str:
    """Return the project's own file."""
    settings = {
        "SERVICE": PROJECT,
        "TAG": f"{PROJECT}::{ROLE}",
        "CANARY_TAG": f"{PROJECT}::{ROLE}_canary",
        "HEALTH_URL": f"http://{host.address}:8080/health",
        "UNIT": f"{PROJECT}.service",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def build_agent(places: Places) -> Path:
    """Build the package cicd-converge from host/ and return it."""
    folder = places.root / "packages"
    argv = [sys.executable, "-m", "host.build", str(folder)]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    packages = list(folder.glob("cicd-converge_*.deb"))
    if done.returncode != 0 or len(packages) != 1:
        raise LabError(f"cicd-converge could not be built: {done.stderr.strip()[-300:]}", "Correct host/.")
    return packages[0]


def install_agent(container: Container, package: Path) -> None:
    """Install *package* on the running host; its settings there stay as they are."""
    container.copy_in(package, "/root/cicd-converge.deb")
    options = ["--force-confold", "--force-confdef"]
    container.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", *options, "-i", "/root/cicd-converge.deb")
    container.run("rm", "/root/cicd-converge.deb")
