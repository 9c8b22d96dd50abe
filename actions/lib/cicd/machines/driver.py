"""What the pack asks of whoever has machines: make one, find it again, destroy it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Iterable, List, Mapping, Sequence

from cicd import identifiers
from cicd.errors import InputError, ProviderError, ProviderSilent

STARTING, RUNNING, STOPPED, GONE = "starting", "running", "stopped", "gone"
SITE_TAG, PROJECT_TAG, RING_TAG, MACHINE_TAG = "cicd-site", "cicd-project", "cicd-ring", "cicd-machine"
LOOKS, LOOK_SECONDS = 5, 2.0
USER_DATA_BYTES = 16 * 1024  # EC2 takes no more


@dataclass(frozen=True)
class Order:
    """
    A machine that is wanted.

    `name` is the machine's and its node's in Consul. `size`, `image`, `region` and `network` are the
    provider's words; an empty network is the provider's own. `user_data` is what cloud-init does at the first
    boot. `tags` are those of `tags`, below: a machine is found again by them.
    """

    name: str
    project: str
    ring: str
    size: str
    image: str
    region: str
    user_data: str = field(repr=False)  # it has a token
    tags: Mapping[str, str]
    network: str = ""

    def __post_init__(self) -> None:
        """Raise InputError for what no provider takes."""
        identifiers.check("machine", self.name)
        size = len(self.user_data.encode())
        if size > USER_DATA_BYTES:
            raise InputError(
                f"The user-data of {self.name} has {size} bytes, and clouds take {USER_DATA_BYTES}.",
                "Let the machine fetch what it needs.",
            )


@dataclass(frozen=True)
class Machine:
    """
    A machine as its provider sees it.

    `identifier` is the provider's. `address` is empty until it has one. `state` is starting, running, stopped
    or gone, and `reason` what the provider says of that. `created` is in epoch seconds, 0 where nobody knows.
    """

    identifier: str
    name: str
    address: str
    state: str
    created: float
    reason: str = ""


class Driver(ABC):
    """
    The machines of one site at one provider.

    Every question raises ProviderBusy when it is worth another try, and ProviderError when the provider
    refuses.
    """

    def find(self, name: str) -> Machine | None:
        """
        Return the machine called *name*; None for none.

        One that is gone is found as long as the provider knows it, and no other has its name. ProviderError
        names both when two have it.
        """
        return _only_one(name, self.named(identifiers.check("machine", name)))

    def create(self, order: Order) -> Machine:
        """
        Return the machine of *order*, made unless it is there.

        ProviderSilent when no answer came and none is found: the next call looks for it before it makes one.
        """
        found = self.find(order.name)
        if found and found.state != GONE:
            return found
        try:
            return self.make(order)
        except ProviderSilent:
            made = self._look_again(order.name)
            if made:
                return made
            raise

    def _look_again(self, name: str) -> Machine | None:
        """Clouds show a new machine a while after they made it."""
        for _ in range(LOOKS):
            found = self.find(name)
            if found and found.state != GONE:
                return found
            time.sleep(LOOK_SECONDS)
        return None

    def destroy(self, name: str) -> None:
        """Return when whatever is called *name* is going, or not there."""
        for machine in self.named(identifiers.check("machine", name)):
            if machine.state != GONE:
                self.remove(machine)

    @abstractmethod
    def list(self) -> List[Machine]:
        """Return all of this site's machines that are not gone."""

    @abstractmethod
    def named(self, name: str) -> List[Machine]:
        """Return this site's machines called *name*, in any state."""

    @abstractmethod
    def make(self, order: Order) -> Machine:
        """Return a new machine of *order*, which is not there; ProviderSilent when no answer came."""

    @abstractmethod
    def remove(self, machine: Machine) -> None:
        """Let *machine* go; one that is not there (any more) is as good as gone."""

    @abstractmethod
    def check(self) -> str:
        """Return in words what was seen: it answers, knows us, and has what is configured; else raise."""


def tags(site: str, project: str, ring: str, name: str) -> Mapping[str, str]:
    """Return the tags of the machine *name*, by which it is found again."""
    return {SITE_TAG: site, PROJECT_TAG: project, RING_TAG: ring, MACHINE_TAG: name}


def ours(machines: Iterable[Machine]) -> List[Machine]:
    """Return those of *machines* that the pack made and that are not gone: anyone may use a site's tag."""
    return [one for one in machines if one.state != GONE and identifiers.is_valid("machine", one.name)]


def _only_one(name: str, found: Sequence[Machine]) -> Machine | None:
    """Return the one of *found* that counts as the machine called *name*: it is not gone, or all are."""
    there = [machine for machine in found if machine.state != GONE]
    if len(there) > 1:
        both = " and ".join(sorted(machine.identifier for machine in there))
        raise ProviderError(
            f"{len(there)} machines have the tag {MACHINE_TAG}={name}: {both}.",
            "Look which one is the node in Consul, and destroy the other at the provider.",
        )
    return next(iter([*there, *found]), None)


def seen(site: str, machines: Sequence[Machine]) -> str:
    """Return in words what a check saw: all that is configured, and these *machines* of *site*."""
    return (
        f"answers, has {len(machines)} machine{'s' * (len(machines) != 1)} of {site}, and what is configured"
    )
