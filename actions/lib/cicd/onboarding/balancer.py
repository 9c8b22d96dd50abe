"""The project's backends on load balancers, as a file for configuration management."""

from __future__ import annotations

from typing import Iterator

from cicd.config import Project, Settings
from cicd.onboarding import changes
from cicd.onboarding.item import LEFT, Item
from cicd.onboarding.wanted import Wanted

SLOTS = 20
# The `:0` ends a name with colons, or HAProxy reads what follows the last one as a port.
BACKEND = """backend {name}
  option httpchk GET {health}
  default-server resolvers consul resolve-opts ignore-weight init-addr none check inter 500ms fall 1 rise 1
  server-template app {slots} _{service}._{tag}.service.consul:0
"""


def items(wanted: Wanted) -> Iterator[Item]:
    """Yield the file with the backends."""
    if not wanted.settings.administration.changes_dir:
        why = "`administration.changes_dir` is not set; docs/haproxy.md has the lines"
        yield Item(f"the backends of {wanted.project.name} on load balancers", LEFT, why=why)
        return
    yield changes.item(wanted.settings, f"haproxy/{wanted.project.name}.cfg", text(wanted))


def text(wanted: Wanted) -> str:
    """Return the backends of all hosts, of the canary's, and of those outside it."""
    service, health = wanted.settings.service_name(wanted.project), wanted.request["health"]
    return "\n".join(
        BACKEND.format(name=name, health=health, slots=SLOTS, service=service, tag=tag)
        for name, tag in _tags(wanted.settings, wanted.project).items()
    )


def _tags(settings: Settings, project: Project) -> dict[str, str]:
    name, everyone = project.name, settings.tag(project)
    first = settings.tags(project).get(project.lifecycle.canary) or settings.canary_tag(project)
    return {name: everyone, f"{name}_canary": first, f"{name}_stable": f"{everyone}_stable"}
