"""The ready clone in which a developer of the lab works."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab import processes
from lab.errors import LabError
from lab.places import Places
from lab.world import World

README = """# greeter

Copy the application of examples/greeter here, commit and push: the push is what starts the pipeline.
"""


def make(places: Places, world: World) -> None:
    """Make the clone, with a first commit that holds only a README, pushed before the webhook is armed."""
    clone = places.clone
    clone.mkdir(parents=True)
    _git(places, clone, "init", "--quiet", "--initial-branch=main")
    settings = {
        "user.name": "Ann Developer",
        "user.email": "ann@lab.invalid",
        "commit.gpgsign": "false",
        # Neither the caller's agent nor known_hosts: only the lab's key, only the lab's host.
        "core.sshCommand": f"ssh -F {places.secrets / 'ssh_config'} -o User=git",
    }
    for key, value in settings.items():
        _git(places, clone, "config", key, value)
    _git(places, clone, "remote", "add", "origin", world.git_url)
    (clone / "README.md").write_text(README)
    _git(places, clone, "add", "README.md")
    _git(places, clone, "commit", "--quiet", "-m", "Start the project")
    _git(places, clone, "push", "--quiet", "--set-upstream", "origin", "main")


def _git(places: Places, clone: Path, *arguments: str) -> None:
    argv = ["git", "-C", str(clone), *arguments]
    done = subprocess.run(
        argv, env=processes.environment(places), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"git {arguments[0]} failed: {done.stderr.strip()}", "See infra1.log under logs/.")
