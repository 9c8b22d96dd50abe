"""The settings of cicd-traffic."""

from __future__ import annotations

from dataclasses import dataclass

from follow.settings import Agent

FILE = "/etc/cicd/traffic.conf"


@dataclass(frozen=True)
class Config(Agent):
    """See traffic.conf, which has a comment for each."""

    haproxy: str = "/usr/sbin/haproxy"
    haproxy_socket: str = "/run/haproxy/admin.sock"
    map_file: str = "/var/lib/cicd-traffic/shares.map"
