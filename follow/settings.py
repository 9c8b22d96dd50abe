"""The settings of a program that follows Consul: lines KEY=value of a file."""

from __future__ import annotations

import re
import shlex
import socket
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from follow.errors import FollowError


@dataclass(frozen=True)
class Agent:
    """How the local Consul agent is asked, and this host's name there."""

    consul_http_addr: str = "http://127.0.0.1:8500"
    consul_token_file: str = ""
    consul_cacert: str = ""
    node: str = ""


Kind = TypeVar("Kind", bound=Agent)


def load(file: str, kind: type[Kind]) -> Kind:
    """Return the settings in *file*, fields of *kind*; FollowError names the line that is none."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FollowError(f"{file} cannot be read: {error.strerror}.") from None
    values, known = {}, {one.name for one in fields(kind)}
    for number, line in enumerate(lines, 1):
        values.update(_setting(line, f"{file}:{number}", known))
    node = values.pop("node", "") or socket.gethostname()
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", node):
        raise FollowError(f"NODE={node} in {file} is not a name of a node.")
    return kind(node=node, **values)


def _setting(line: str, place: str, known: set[str]) -> dict[str, str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise FollowError(f"{place} is not a setting: {error}.") from None
    if not words:
        return {}
    key, sign, value = words[0].partition("=")
    if len(words) > 1 or not sign or key.lower() not in known:
        raise FollowError(f"{place} is not a setting: {line.strip():.60}")
    return {key.lower(): value} if value else {}
