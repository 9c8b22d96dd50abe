"""HAProxy's configuration: it asks Consul's DNS who serves, and is reloaded only for another project."""

from __future__ import annotations

from collections.abc import Sequence

from lab.consul import encryption
from lab.hosts.container import Container
from lab.project import FIRST, Project
from lab.world import CANARY_HEADER, CONSUL_PORT, World

FILE = "/etc/haproxy/haproxy.cfg"
SOCKET = "/run/haproxy/admin.sock"
STATE = "/run/haproxy/state"
FOLLOWER = "/etc/cicd/traffic.conf"
FOLLOWING = f"""CONSUL_HTTP_ADDR=https://{{address}}
CONSUL_CACERT={encryption.AUTHORITY}
HAPROXY_SOCKET={SOCKET}
"""
MAP = "/var/lib/cicd-traffic/shares.map"
COOKIE = "user"
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
{routing}

{backends}

frontend stats
  bind {address}:8404
  stats enable
  stats uri /
  stats refresh 2s
  stats show-legends
"""


# Who asks stays in one bucket, so nobody changes sides while a share grows. Without a share all is as it was.
ROUTING = """  http-request set-var(txn.user) src
  http-request set-var(txn.user) req.cook({cookie}) if {{ req.cook({cookie}) -m found }}
  http-request set-var(txn.bucket) var(txn.user),xxh32,mod(10000)
{shares}
  acl wants_canary hdr({header}) -i 1
  acl is_shared var(txn.share) -m int ge 0
  acl is_chosen var(txn.bucket),sub(txn.share) -m int lt 0
{routes}"""
SHARE = "  http-request set-var(txn.share) str({name}),map_str_int({map},-1){condition}"
# As long as only one backend knows a host, that host serves everyone: each backend asks DNS for itself.
ROUTES = """  use_backend {canary} if {host}wants_canary {{ nbsrv({canary}) gt 0 }}
  use_backend {canary} if {host}is_shared is_chosen {{ nbsrv({canary}) gt 0 }}
  use_backend {stable} if {host}is_shared {{ nbsrv({stable}) gt 0 }}
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
    container.disk.write(MAP, "")
    container.disk.write(FOLLOWER, FOLLOWING.format(address=f"{world.infra.address}:{CONSUL_PORT}"))
    container.disk.enable("haproxy.service")


def reload(container: Container, world: World, projects: Sequence[Project]) -> None:
    """Let the running host balance *projects*, without a request that fails."""
    container.write(FILE, configuration(world, projects))
    container.run("sh", "-c", RELOAD)


def configuration(world: World, projects: Sequence[Project]) -> str:
    """Return haproxy.cfg; the first of *projects* gets what asks for no other by the header Host."""
    return TEMPLATE.format(
        address=world.infra.address,
        routing=routing(projects),
        backends="\n".join(_backends(project) for project in projects),
        socket=SOCKET,
        state=STATE,
    )


def routing(projects: Sequence[Project], file: str = MAP) -> str:
    """Return how the frontend chooses a backend, by the shares in the map *file*."""
    first, *others = projects
    routes = [*(_named_routes(project) for project in others), _routes(first, "", "default_backend all")]
    shares = "\n".join(_share(project, file) for project in projects)
    return ROUTING.format(cookie=COOKIE, header=CANARY_HEADER, shares=shares, routes="\n".join(routes))


def _share(project: Project, file: str) -> str:
    condition = "" if project == FIRST else f" if {_host(project)}"
    return SHARE.format(name=project.name, map=file, condition=condition)


def _host(project: Project) -> str:
    return f"{{ hdr(host),host_only -i {project.name} }}"


def _named_routes(project: Project) -> str:
    return _routes(project, f"{_host(project)} ", f"use_backend {_names(project)[0]} if {_host(project)}")


def _routes(project: Project, host: str, otherwise: str) -> str:
    everyone, canary, stable = _names(project)
    return ROUTES.format(canary=canary, stable=stable, all=everyone, host=host, otherwise=otherwise)


def _backends(project: Project) -> str:
    tags = zip(_names(project), (project.tag, project.canary_tag, project.stable_tag), strict=True)
    return "\n".join(
        BACKEND.format(name=name, slots=SLOTS, service=project.name, tag=tag) for name, tag in tags
    )


def _names(project: Project) -> tuple[str, str, str]:
    """Return the backends of all hosts, of the canary's, and of those outside it."""
    if project == FIRST:
        return "all", "canary", "stable"
    return project.name, f"{project.name}_canary", f"{project.name}_stable"
