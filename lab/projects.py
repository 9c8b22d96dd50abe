"""A further project in a running lab: everything that it needs to be pushed and deployed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lab import ports, project
from lab.consul import agent
from lab.errors import Unfit
from lab.git import clone
from lab.git import server as git
from lab.haproxy import config as haproxy
from lab.hosts import app
from lab.hosts.container import Container
from lab.hosts.fleet import base_of
from lab.jenkins import host as jenkins
from lab.places import Places
from lab.progress import say, together
from lab.project import Project
from lab.stackstorm import engine, pack_config
from lab.world import World


def add(places: Places, world: World, folder: Path) -> Project:
    """Add the project in *folder*, a git repository or not; LabError when it is none."""
    found = project.read(places, folder)
    base = base_of(places)
    if problems := ports.problems([(host.address, found.port) for host in world.apps]):
        raise Unfit(problems)
    infra = Container(places, world.infra, base)
    apps = {host.name: Container(places, host, base) for host in world.apps}
    for container in (infra, *apps.values()):
        container.require_on()
    git.create(infra, found)
    clone.take(places, world, found, folder)
    git.arm(infra, world, (places.secrets / "github_secret").read_text(), found)
    jenkins.create_job(places, world, found)
    say(f"{found.repository} has a repository, a webhook and a Jenkins job")
    together({name: partial(_prepare_host, one, found) for name, one in apps.items()})
    project.keep(places, found)
    haproxy.reload(infra, world, project.known(places))
    say(f"app hosts serve {found.name} on port {found.port}, HAProxy by its name")
    pack_config.add(places, found)
    engine.reload(places)
    return found


def _prepare_host(container: Container, found: Project) -> None:
    for path, text in app.project_files(container.host, found).items():
        container.write(path, text)
    agent.register(container.host, found)
    container.run("systemctl", "enable", "--quiet", "--now", f"cicd-converge-watch@{found.name}.service")
