"""App hosts: the repository they trust, cicd-converge, and the settings of the project they serve."""

from __future__ import annotations

from lab.consul import encryption
from lab.hosts import keys
from lab.hosts.container import Container
from lab.places import Places
from lab.project import FIRST, Project
from lab.repository import server
from lab.world import CONSUL_PORT, Host, World


def configure(container: Container, places: Places, world: World) -> None:
    """Write what the host knows of the project, where that comes from, and who administers the host."""
    disk = container.disk
    disk.folder("root/.ssh", mode=0o700)
    disk.write("root/.ssh/authorized_keys", keys.public(places, "admin"), mode=0o600)
    disk.write("etc/apt/sources.list.d/cicd.list", server.source(world))
    disk.write("etc/cicd/converge.conf", converge_settings(container.host))
    for path, text in project_files(container.host, FIRST).items():
        disk.write(path, text)


def converge_settings(host: Host) -> str:
    """Return converge.conf, with waits as short as one machine allows."""
    settings = {
        "CONSUL_HTTP_ADDR": f"https://{host.address}:{CONSUL_PORT}",
        "CONSUL_CACERT": encryption.AUTHORITY,
        "CONSUL_TOKEN_FILE": "",
        "DRAIN_SECONDS": "1",
        "DRAIN_LIMIT_SECONDS": "10",
        "MIN_HEALTHY_SECONDS": "2",
        "HEALTH_LIMIT_SECONDS": "30",
        "VERIFY_SECONDS": "60",
    }
    return _assignments(settings)


def project_files(host: Host, project: Project) -> dict[str, str]:
    """Return what the host has of *project*, by path: cicd-converge's settings, and where it is to listen."""
    path, text = listening_file(host, project)
    return {f"/etc/cicd/projects/{project.name}.conf": project_settings(host, project), path: text}


def listening_file(host: Host, project: Project) -> tuple[str, str]:
    """Return the file that tells the project's application where to listen, and what is in it."""
    prefix = project.name.upper().replace("-", "_")
    listen = {"HOST": host.address, "PORT": str(project.port)}
    listen |= {f"{prefix}_{key}": value for key, value in listen.items()}
    return f"/etc/default/{project.name}", _assignments(listen)


def project_settings(host: Host, project: Project = FIRST) -> str:
    """Return the file with which cicd-converge knows *project*."""
    settings = {
        "SERVICE": project.name,
        "TAG": project.tag,
        "CANARY_TAG": project.canary_tag,
        "STABLE_TAG": project.stable_tag,
        "HEALTH_URL": f"http://{host.address}:{project.port}/health",
        "UNIT": project.unit,
    }
    return _assignments(settings)


def _assignments(values: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())
