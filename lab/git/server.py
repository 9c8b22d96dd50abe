"""The git server's side on infra1: bare repositories, who may reach them, and the webhook."""

from __future__ import annotations

from lab.git import webhook
from lab.hosts import common
from lab.hosts.container import Container
from lab.places import REPOSITORY as SOURCE
from lab.places import Places
from lab.project import FIRST, Project
from lab.stand_in.unit import LIBRARY
from lab.world import World

BARE = f"/srv/git/{FIRST.repository}.git"


def configure(container: Container, places: Places) -> None:
    """Let user git be reached by developers, by the build host and by Jenkins."""
    common.authorize(container, places, "git", ["user", "build", "jenkins"])
    install(container)


def install(container: Container) -> None:
    """Put the lab's own code that infra1 runs on its disk."""
    container.disk.copy(SOURCE / "lab" / "__init__.py", f"{LIBRARY}/lab/__init__.py", mode=0o644)
    for part in ("git", "github", "jenkins", "stand_in"):
        container.disk.copy(SOURCE / "lab" / part, f"{LIBRARY}/lab/{part}")


def bare(project: Project) -> str:
    """Return the folder of the project's repository on infra1."""
    return f"/srv/git/{project.repository}.git"


def create(container: Container, project: Project = FIRST) -> None:
    """Make the project's empty bare repository on the running host."""
    container.run("git", "init", "--quiet", "--bare", "--initial-branch=main", bare(project), user="git")


def arm(container: Container, world: World, secret: str, project: Project = FIRST) -> None:
    """From now on each push to the project is reported to the gateway, signed with *secret*."""
    folder = bare(project)
    settings = {
        webhook.URL: f"{world.gateway_url}/github",
        webhook.NAME: project.repository,
    }
    for key, value in settings.items():
        container.run("git", "-C", folder, "config", key, value, user="git")
    container.run("sh", "-c", f"umask 077; cat >{folder}/{webhook.SECRET_FILE}", user="git", stdin=secret)
    container.run("sh", "-c", f"umask 022; cat >{folder}/hooks/post-receive", user="git", stdin=webhook.HOOK)
    container.run("chmod", "+x", f"{folder}/hooks/post-receive", user="git")
