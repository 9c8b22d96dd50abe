"""The settings of cicd-traffic: lines KEY=value of a file."""

from __future__ import annotations

import re
import shlex
import socket
from dataclasses import dataclass, fields
from pathlib import Path

from balancer.errors import TrafficError

FILE = "/etc/cicd/traffic.conf"


@dataclass(frozen=True)
class Config:
    """See traffic.conf, which has a comment for each."""

    consul_http_addr: str = "http://127.0.0.1:8500"
    consul_token_file: str = ""
    consul_cacert: str = ""
    node: str = ""
    haproxy: str = "/usr/sbin/haproxy"
    haproxy_socket: str = "/run/haproxy/admin.sock"
    map_file: str = "/var/lib/cicd-traffic/shares.map"


def load(file: str) -> Config:
    """Return the settings in *file*; TrafficError names the line that is none."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TrafficError(f"{file} cannot be read: {error.strerror}.") from None
    values: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        values.update(_setting(line, f"{file}:{number}"))
    node = values.pop("node", "") or socket.gethostname()
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", node):
        raise TrafficError(f"NODE={node} in {file} is not a name of a node.")
    return Config(node=node, **values)


def _setting(line: str, place: str) -> dict[str, str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise TrafficError(f"{place} is not a setting: {error}.") from None
    if not words:
        return {}
    key, sign, value = words[0].partition("=")
    if len(words) > 1 or not sign or key.lower() not in {one.name for one in fields(Config)}:
        raise TrafficError(f"{place} is not a setting of cicd-traffic: {line.strip():.60}")
    return {key.lower(): value} if value else {}
