"""The project's backends on load balancers: cicd-render makes them, or they are a file to be brought."""

from __future__ import annotations

from typing import Iterator, List, Mapping

from cicd.clients.consul import Connection
from cicd.config import Project, Settings
from cicd.onboarding import changes
from cicd.onboarding.item import LEFT, MISSING, OTHER, THERE, Item
from cicd.onboarding.membership import as_administrator
from cicd.onboarding.wanted import Wanted
from cicd.setup import render_reports
from cicd.setup.render_reports import PREFIX, RenderReport
from cicd.store.store import Store

SLOTS = 20
# The `:0` ends a name with colons, or HAProxy reads what follows the last one as a port.
BACKEND = """backend {name}
  option httpchk GET {health}
  default-server resolvers consul resolve-opts ignore-weight init-addr none check inter 500ms fall 1 rise 1
  server-template app {slots} _{service}._{tag}.service.consul:0
"""


HEALTH, NAMES = "cicd/.balancer/health/", "cicd/.balancer/names/"


def items(wanted: Wanted) -> Iterator[Item]:
    """Yield what load balancers read in Consul, where cicd-render makes their files; else the file itself."""
    store = Store(as_administrator(wanted.settings))
    found = render_reports.parse((one["Key"], one["Value"]) for one in store.items(PREFIX))
    balancers = {node: report for node, report in found.items() if report.balances}
    if balancers:
        yield _health(store, wanted)
        yield _rendered(wanted.project.name, balancers)
    else:
        yield from _file(wanted)


def names(store: Connection, project: str) -> List[str]:
    """Return the keys by which load balancers know host names of *project*."""
    return [one["Key"] for one in store.items(NAMES) if one["Value"] == project.encode()]


def _health(store: Connection, wanted: Wanted) -> Item:
    key, path = f"{HEALTH}{wanted.project.name}", wanted.request["health"].encode()
    known = store.item(key)
    state = MISSING if known is None else THERE if known["Value"] == path else OTHER
    return Item(
        f"the key {key} in Consul",
        state,
        lambda: store.ask(lambda c: c.kv.put(key, path)),
        lambda: store.ask(lambda c: c.kv.delete(key)),
        "is there and says something else" if state == OTHER else "",
    )


def _rendered(project: str, balancers: Mapping[str, RenderReport]) -> Item:
    """Return the backends; they come and go with the project's hosts."""
    what = (
        f"the backends of {project}, by cicd-render on {', '.join(sorted(balancers))} when its hosts register"
    )
    is_there = any(project in report.projects for report in balancers.values())
    return Item(what, THERE if is_there else MISSING)


def _file(wanted: Wanted) -> Iterator[Item]:
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
