"""The ready clone in which a developer of the lab works."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

from lab import processes
from lab.errors import LabError
from lab.places import Places
from lab.project import Project
from lab.world import World

README = """# greeter

Copy the application of examples/greeter here, commit and push: the push is what starts the pipeline.
"""


def make(places: Places, world: World) -> None:
    """Make the clone, with a first commit that holds only a README, pushed before the webhook is armed."""
    clone = places.clone
    _create(places, clone, world.git_url)
    (clone / "README.md").write_text(README)
    _git(places, clone, "add", "README.md")
    _git(places, clone, "commit", "--quiet", "-m", "Start the project")
    _git(places, clone, "push", "--quiet", "--set-upstream", "origin", "main")


def take(places: Places, world: World, project: Project, folder: Path) -> None:
    """Make a clone of the project with what is in *folder*: its history, or one commit; nothing is pushed."""
    clone = places.clones(project.clone)
    _create(places, clone, world.clone_url(project.repository))
    if (folder / ".git").exists():
        _git(places, clone, "pull", "--quiet", str(folder.resolve()), "HEAD")
    else:
        shutil.copytree(folder, clone, dirs_exist_ok=True, symlinks=True)
        _git(places, clone, "add", "--all")
        _git(places, clone, "commit", "--quiet", "-m", f"Start {project.clone}")
    _git(places, clone, "config", "branch.main.remote", "origin")
    _git(places, clone, "config", "branch.main.merge", "refs/heads/main")


def _create(places: Places, clone: Path, url: str) -> None:
    clone.mkdir(parents=True)
    _git(places, clone, "init", "--quiet", "--initial-branch=main")
    settings = {
        "user.name": "Ann Developer",
        "user.email": "ann@lab.invalid",
        "commit.gpgsign": "false",
        # Neither the caller's agent nor known_hosts: only the lab's key, only the lab's host.
        "core.sshCommand": f"ssh -F {shlex.quote(str(places.secrets / 'ssh_config'))} -o User=git",
    }
    for key, value in settings.items():
        _git(places, clone, "config", key, value)
    _git(places, clone, "remote", "add", "origin", url)


def _git(places: Places, clone: Path, *arguments: str) -> None:
    argv = ["git", "-C", str(clone), *arguments]
    done = subprocess.run(
        argv, env=processes.environment(places), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"git {arguments[0]} failed: {done.stderr.strip()}", "See infra1.log under logs/.")
