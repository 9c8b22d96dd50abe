"""Whether what Consul has of a project's hosts is what their own agents know. Pure."""

from __future__ import annotations

from typing import Sequence

from cicd.release.host import ConsulHost
from cicd.release.host_report import SILENT, Reports
from cicd.sanitize import one_line


def foreign(hosts: Sequence[ConsulHost], reports: Reports) -> dict[str, str]:
    """
    Return what is wrong with the registration of a host, by node; empty when nothing is.

    *hosts* are those of the project's service, as Consul has them. Any host with a token for it can
    write the service on every node; a host's report is the host's alone.
    """
    found = {}
    for node in {host.name for host in hosts}:
        places = [_place(host) for host in hosts if host.name == node]
        said = _said(places, reports.get(node, SILENT).registered)
        if said:
            found[node] = said
    return found


def _said(places: Sequence[str], registered: str) -> str:
    if len(places) > 1:
        return f"Consul has its service {len(places)} times ({one_line(', '.join(sorted(places)), 200)})"
    if registered and places[0] != registered:
        there, own = one_line(places[0], 100), one_line(registered, 100)
        return f"Consul has its service as {there}, its own agent as {own}"
    return ""


def _place(host: ConsulHost) -> str:
    return f"{host.service_id} at {host.service_address}:{host.port}"
