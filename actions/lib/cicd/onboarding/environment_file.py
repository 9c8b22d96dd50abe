"""What an application finds in its environment: a file for systemd's EnvironmentFile."""

from __future__ import annotations

import re
from typing import Dict

from cicd.config import Project
from cicd.release.host import Host

FOLDER = "/etc/default/"
FIRST_LINE = "# cicd wrote this: `environment` of {}. A change counts when the application starts.\n"
SPECIAL = re.compile(r'(["\\$`])')  # what systemd and sh take as more than a character inside of quotes


def files(project: Project, host: Host) -> Dict[str, str]:
    """Return the file of *project* on *host*, by path; none where the project says nothing of it."""
    if not project.environment:
        return {}
    lines = (f'{name}="{_quoted(value, host)}"\n' for name, value in project.environment.items())
    return {f"{FOLDER}{project.name}": FIRST_LINE.format(project.name) + "".join(lines)}


def _quoted(value: str, host: Host) -> str:
    own = value.replace("{host}", host.name).replace("{address}", host.address)
    return SPECIAL.sub(r"\\\1", own)
