"""HAProxy's configuration: it asks Consul's DNS who serves, and is never reloaded."""

from __future__ import annotations

from lab.hosts.container import Container
from lab.world import CANARY_HEADER, PROJECT, ROLE, World

SLOTS = 100
# Long holds: while Consul is silent the last known servers stay. `:0` ends a name that contains colons.
# ignore-weight: SRV weights would otherwise override those set here or on the socket.
TEMPLATE = """global
  log stderr format short local0 notice
  stats socket /run/haproxy/admin.sock mode 660 level admin

defaults
  mode http
  log global
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  option redispatch 1
  retries 5
  retry-on conn-failure empty-response response-timeout 503
  default-server check inter 500ms fall 1 rise 1 init-addr none resolvers consul resolve-opts ignore-weight

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
  use_backend canary if wants_canary {{ nbsrv(canary) gt 0 }}
  use_backend canary if {{ nbsrv(all) eq 0 }} {{ nbsrv(canary) gt 0 }}
  default_backend all

backend all
  balance roundrobin
  option httpchk GET /health
  server-template app {slots} _{project}._{project}::{role}.service.consul:0

backend canary
  balance roundrobin
  option httpchk GET /health
  server-template app {slots} _{project}._{project}::{role}_canary.service.consul:0

frontend stats
  bind {address}:8404
  stats enable
  stats uri /
  stats refresh 2s
"""


def configure(container: Container, world: World) -> None:
    """Let the host balance the project's hosts."""
    container.disk.write("etc/haproxy/haproxy.cfg", configuration(world))
    container.disk.enable("haproxy.service")


def configuration(world: World) -> str:
    """Return haproxy.cfg."""
    return TEMPLATE.format(
        address=world.infra.address, header=CANARY_HEADER, slots=SLOTS, project=PROJECT, role=ROLE
    )
