"""Further projects in a running lab: everything that they need to be pushed and deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from lab.project import JENKINS, Project
from lab.stackstorm import engine, pack_config
from lab.world import World


def create(places: Places, world: World, folder: Path) -> Project:
    """Give the project in *folder* a repository, a clone and hosts that could run it; cicd knows nothing."""
    (found,) = _checked(places, world, folder, ())
    infra = Container(places, world.infra, base_of(places))
    git.create(infra, found)
    clone.take(places, world, found, folder)
    for host in world.apps:
        path, text = app.listening_file(host, found)
        Container(places, host, base_of(places)).write(path, text)
    project.keep(places, found)
    haproxy.reload(infra, world, project.known(places))
    say(f"{found.repository} is there, and its application will listen on port {found.port}")
    return found


def add(
    places: Places, world: World, folder: Path, directories: Sequence[str] = (), ci: str = JENKINS
) -> list[Project]:
    """
    Add the project in *folder*, a git repository or not, or those in its *directories*; else LabError.

    *ci* is what builds it.
    """
    found = [replace(one, ci=ci) for one in _checked(places, world, folder, directories)]
    base = base_of(places)
    infra = Container(places, world.infra, base)
    apps = {host.name: Container(places, host, base) for host in world.apps}
    for container in (infra, *apps.values()):
        container.require_on()
    git.create(infra, found[0])
    clone.take(places, world, found[0], folder)
    git.arm(infra, world, (places.secrets / "github_secret").read_text(), found[0])
    if ci == JENKINS:
        for one in found:
            jenkins.create_job(places, world, one)
    say(f"{found[0].repository} has a repository, a webhook and {ci} as its CI")
    together({name: partial(_prepare_host, container, found) for name, container in apps.items()})
    for one in found:
        project.keep(places, one)
        pack_config.add(places, one)
        say(f"app hosts serve {one.name} on port {one.port}, HAProxy by its name")
    haproxy.reload(infra, world, project.known(places))
    engine.reload(places)
    return found


def _checked(places: Places, world: World, folder: Path, directories: Sequence[str]) -> list[Project]:
    found = project.read_all(places, folder, directories)
    if problems := ports.problems([(host.address, one.port) for host in world.apps for one in found]):
        raise Unfit(problems)
    return found


def _prepare_host(container: Container, found: Sequence[Project]) -> None:
    for one in found:
        for path, text in app.project_files(container.host, one).items():
            container.write(path, text)
        agent.register(container.host, one)
        container.run("systemctl", "enable", "--quiet", "--now", f"cicd-converge-watch@{one.name}.service")
