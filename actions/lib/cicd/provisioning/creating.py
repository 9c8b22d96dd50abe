"""The machine of an order is made, with a token by which it becomes a host."""

from __future__ import annotations

from cicd.config import Settings
from cicd.machines import drivers
from cicd.machines.driver import GONE, Machine, Order
from cicd.provisioning import asked, bundle, join_token, rights, user_data
from cicd.provisioning.attended import attended
from cicd.provisioning.record import MachineRecord
from cicd.provisioning.registry import Registry


def created(settings: Settings, name: str) -> Machine:
    """
    Return the machine *name*, which has a record; made unless its provider has it.

    Once more, after this was killed, finds what was made. The token stays in this process and in the
    machine's user-data.
    """
    registry = Registry(settings)
    known = registry.see_to(name)
    driver = drivers.of(settings, known["provider"])
    with attended(settings, name):
        there = driver.find(name)
        if there and there.state != GONE:
            return there
        return driver.create(_order(registry, settings, name, known))


def _order(registry: Registry, settings: Settings, name: str, known: MachineRecord) -> Order:
    """Return the order of the machine *name*, which may join from now on."""
    project, ring = known["project"], known["ring"]
    wanted, token = asked.host(settings, project, ring, name), join_token.new()
    document = bundle.text(wanted, rights.made(wanted))
    registry.open_join(name, token, document, settings.machines.ready_seconds)
    said = user_data.text(settings, name, token)
    return drivers.order(settings, known["provider"], name, project, ring, said)
