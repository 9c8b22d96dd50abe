"""A machine goes, and everything that is known of it: at its provider, in Consul, and what it was allowed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Iterator, Sequence

from cicd.config import Settings
from cicd.deploy.controls import Controls
from cicd.errors import ConfigError, GivenUp, ProviderBusy, Refused
from cicd.machines import drivers
from cicd.machines.driver import GONE, Driver
from cicd.onboarding.membership import as_administrator
from cicd.provisioning import rights
from cicd.provisioning.attended import attended
from cicd.provisioning.record import LEAVING, READY, MachineRecord
from cicd.provisioning.registry import Registry
from cicd.release import host_report
from cicd.store.store import Store

GOING_SECONDS, POLL_SECONDS = 180.0, 2.0


def given_up(settings: Settings, name: str, who: str) -> None:
    """Leave nothing of a machine that did not become a host; Refused for one that did."""

    def going(known: MachineRecord) -> MachineRecord:
        if known["state"] == READY:
            raise Refused(
                f"{name} is a host of {known['project']}'s {known['ring']} ring.",
                f"To destroy it: st2 run cicd.retire_host host={name}",
            )
        return {**known, "state": LEAVING}

    with suppress(GivenUp):
        Registry(settings).write(name, going)
    removed(settings, name, who)


def removed(settings: Settings, name: str, who: str = "", force: bool = False) -> None:
    """
    Leave nothing of the machine *name*, whatever there is of it; its record goes last.

    By *force* also when its provider is not configured any more, where its machine stays then.

    Once more, after this was killed, goes on; of two at once, one sees that the other is done.
    """
    with suppress(GivenUp), attended(settings, name):
        _removed(settings, name, who, force)


def _removed(settings: Settings, name: str, who: str, force: bool) -> None:
    registry = Registry(settings)
    known = registry.write(name, lambda before: {**before, "state": LEAVING})
    registry.forget_joins(known.get("joins", {}))  # it must not join while it goes
    if known["provider"] in settings.machines.providers:
        _destroyed(drivers.of(settings, known["provider"]), name)
    elif not force:
        raise ConfigError(
            f"{name} was not destroyed: its provider {known['provider']} is not configured any more.",
            f"Configure it again, or let the machine stay: st2 run cicd.retire_host host={name} force=true",
        )
    forget_host(settings, name, [known["project"], *_others(settings, name, known["project"])], who)
    registry.forget(name)


def _others(settings: Settings, node: str, own: str) -> Iterator[str]:
    """Yield what other projects than its *own* the host *node* reported on: some were added later."""
    store = Store(settings)
    for project in settings.projects:
        if project != own and store.keys(f"{host_report.prefix(project)}{node}"):
            yield project


def forget_host(
    settings: Settings, node: str, projects: Sequence[str], who: str, keep_node: bool = False
) -> None:
    """Remove what Consul has of *node*: its registrations, without *keep_node*, its reports and rights."""
    store = Store(as_administrator(settings))
    if not keep_node:
        store.ask(lambda c: c.catalog.deregister(node))
    for project in projects:
        store.delete(f"{host_report.prefix(project)}{node}")
        if project in settings.projects and node in store.release(project).holds.excluded:
            Controls(settings, project, who).include(node)
    rights.removed(settings, node, projects)


def _destroyed(driver: Driver, name: str) -> None:
    """Return once the provider has the machine no more: until then its agent registers it again."""
    driver.destroy(name)
    deadline = time.monotonic() + GOING_SECONDS
    while True:
        found = driver.find(name)
        if found is None or found.state == GONE:
            return
        if time.monotonic() > deadline:
            raise ProviderBusy(
                f"{name} is still {found.state} at its provider.", "It is destroyed again soon."
            )
        time.sleep(POLL_SECONDS)
