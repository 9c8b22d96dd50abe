"""The settings of cicd-render."""

from __future__ import annotations

from dataclasses import dataclass

from follow.settings import Agent

FILE = "/etc/cicd/render.conf"


@dataclass(frozen=True)
class Config(Agent):
    """See render.conf, which has a comment for each."""

    jobs_dir: str = "/etc/cicd/render.d"
    state_dir: str = "/var/lib/cicd-render"
