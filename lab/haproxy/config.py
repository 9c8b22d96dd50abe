"""HAProxy's configuration: it asks Consul's DNS who serves, and is reloaded only for another project."""

from __future__ import annotations

from collections.abc import Sequence

from lab.hosts.container import Container
from lab.project import FIRST, Project
from lab.world import CANARY_HEADER, World

FILE = "/etc/haproxy/haproxy.cfg"
SOCKET = "/run/haproxy/admin.sock"
STATE = "/run/haproxy/state"
SLOTS = 100
# Long holds: while Consul is silent the last known servers stay. `:0` ends a name that contains colons.
# ignore-weight: SRV weights would otherwise override those set here or on the socket.
TEMPLATE = """global
  log stderr format short local0 notice
  stats socket {socket} mode 660 level admin
  server-state-file {state}

defaults
  mode http
  load-server-state-from-file global
  log global
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  option redispatch 1
  retries 5
  retry-on conn-failure empty-response response-timeout 503
  default-server check inter 500ms fall 1 rise 1
  default-server init-addr last,none resolvers consul resolve-opts ignore-weight

resolvers consul
  nameserver consul {address}:8600
  accepted_payload_size 8192
  timeout resolve 200ms
  timeout retry 200ms
  hold valid 200ms
  hold obsolete 0s
  hold nx 5s
  hold timeout 1h
  hold refused 1h
  hold other 1h

frontend applications
  bind {address}:8000
  acl wants_canary hdr({header}) -i 1
{routes}

{backends}

frontend stats
  bind {address}:8404
  stats enable
  stats uri /
  stats refresh 2s
"""


# As long as only one backend knows a host, that host serves everyone: each backend asks DNS for itself.
ROUTES = """  use_backend {canary} if {host}wants_canary {{ nbsrv({canary}) gt 0 }}
  use_backend {canary} if {host}{{ nbsrv({all}) eq 0 }} {{ nbsrv({canary}) gt 0 }}
  {otherwise}"""
BACKEND = """backend {name}
  balance roundrobin
  option httpchk GET /health
  server-template app {slots} _{service}._{tag}.service.consul:0
"""
# A new process would know no server until DNS has answered: it gets what the old one knows.
RELOAD = f"""set -e
haproxy -c -q -f {FILE}
python3 -c '
import socket
with socket.socket(socket.AF_UNIX) as old, open("{STATE}", "wb") as state:
    old.connect("{SOCKET}")
    old.sendall(b"show servers state\\n")
    state.write(b"".join(iter(lambda: old.recv(65536), b"")))
'
systemctl reload haproxy
"""


def configure(container: Container, world: World) -> None:
    """Let the host balance the first project's hosts."""
    container.disk.write(FILE, configuration(world, [FIRST]))
    container.disk.enable("haproxy.service")


def reload(container: Container, world: World, projects: Sequence[Project]) -> None:
    """Let the running host balance *projects*, without a request that fails."""
    container.write(FILE, configuration(world, projects))
    container.run("sh", "-c", RELOAD)


def configuration(world: World, projects: Sequence[Project]) -> str:
    """Return haproxy.cfg; the first of *projects* gets what asks for no other by the header Host."""
    first, *others = projects
    return TEMPLATE.format(
        address=world.infra.address,
        header=CANARY_HEADER,
        routes="\n".join(
            [*(_named_routes(project) for project in others), _routes(first, "", "default_backend all")]
        ),
        backends="\n".join(_backends(project) for project in projects),
        socket=SOCKET,
        state=STATE,
    )


def _named_routes(project: Project) -> str:
    host, (everyone, _) = f"{{ hdr(host),host_only -i {project.name} }} ", _names(project)
    return _routes(project, host, f"use_backend {everyone} if {host.strip()}")


def _routes(project: Project, host: str, otherwise: str) -> str:
    everyone, canary = _names(project)
    return ROUTES.format(canary=canary, all=everyone, host=host, otherwise=otherwise)


def _backends(project: Project) -> str:
    tags = zip(_names(project), (project.tag, project.canary_tag), strict=True)
    return "\n".join(
        BACKEND.format(name=name, slots=SLOTS, service=project.name, tag=tag) for name, tag in tags
    )


def _names(project: Project) -> tuple[str, str]:
    return ("all", "canary") if project == FIRST else (project.name, f"{project.name}_canary")
