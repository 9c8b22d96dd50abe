"""What nobody sees to any more: machines that a killed workflow left, and machines without a record."""

from __future__ import annotations

from typing import Callable, Iterator, List, NamedTuple, Tuple

from cicd.config import Settings
from cicd.errors import CicdError, Refused
from cicd.machines import drivers
from cicd.provisioning import lost_machines
from cicd.provisioning.awaiting import Newcomer
from cicd.provisioning.record import LEAVING
from cicd.provisioning.registry import Registry
from cicd.provisioning.removing import removed
from cicd.store.store import Store


class Swept(NamedTuple):
    """What was done, in sentences, and what could not be."""

    done: List[str]
    failed: List[CicdError]


def swept(settings: Settings) -> Swept:
    """Finish or remove what was left; one that cannot be keeps no other from it."""
    found = Swept([], [])
    steps: List[Tuple[str, Callable[[Settings, str], Iterator[str]]]]
    steps = [(name, _settled) for name in lost_machines.names(settings)]
    steps += [(name, _taken) for name in settings.machines.providers]
    for name, step in steps:
        try:
            found.done.extend(step(settings, name))
        except CicdError as error:
            found.failed.append(error)
    Registry(settings).forget_stray_joins()
    return found


def _settled(settings: Settings, name: str) -> Iterator[str]:
    """One that came to serve meanwhile is a host like others; any other one is destroyed."""
    registry = Registry(settings)
    known = registry.write(name)
    newcomer = Newcomer(settings, name)
    version = "" if known["state"] == LEAVING else newcomer.stage(newcomer.introduced(known))[1]
    if version:
        registry.ready(name)
        yield f"{name} serves {version}, and is recorded as ready"
    else:
        removed(settings, name)
        yield f"{name} was destroyed: whoever made it did not finish"


def _taken(settings: Settings, provider: str) -> Iterator[str]:
    """Yield what became of machines without a record, which is written before and goes after the machine."""
    driver = drivers.of(settings, provider)
    there = {machine.name for machine in driver.list()}
    strays = there - set(Registry(settings).every())
    # Should Consul have lost its records, what serves must not be destroyed for it.
    nodes = {str(node["Node"]) for node in Store(settings).ask(lambda c: c.catalog.nodes()[1])}
    for name in sorted(strays - nodes):
        driver.destroy(name)
        yield f"{name} at {provider} was destroyed: it had no record"
    for name in sorted(strays & nodes):
        raise Refused(
            f"{name} at {provider} has no record in Consul, and is a node there: it was left alone.",
            f"If nobody needs it: st2 run cicd.retire_host host={name}, then destroy it at the provider.",
        )
