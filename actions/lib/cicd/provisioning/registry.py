"""Consul's records of the machines that the pack made, and of what their tokens are good for."""

from __future__ import annotations

import time
from typing import Callable, Dict, Mapping

from cicd import identifiers
from cicd.clients.known_hosts import MACHINES
from cicd.config import Settings
from cicd.errors import GivenUp
from cicd.provisioning import record
from cicd.provisioning.join_token import JoinToken, is_signed
from cicd.provisioning.record import JOINED, LEAVING, OPEN, READY, Join, MachineRecord
from cicd.store.store import Store

Change = Callable[[MachineRecord], MachineRecord]


def _as_it_is(known: MachineRecord) -> MachineRecord:
    return known


class Registry:
    """What Consul knows of machines."""

    def __init__(self, settings: Settings) -> None:
        self._store = Store(settings)

    def every(self) -> Dict[str, MachineRecord]:
        """Return each record, by the machine's name."""
        found = self._store.below(MACHINES, MachineRecord)
        return {place[len(MACHINES) :]: one for place, one in found.items()}

    def find(self, name: str) -> MachineRecord | None:
        """Return the record of the machine *name*, or None."""
        return self._store.json(record.key(identifiers.check("host", name)), MachineRecord)

    def begin(self, name: str, first: MachineRecord) -> None:
        """Write down *first* of the machine *name*, with a sign of life."""
        self._store.put(record.key(name), {**first, "alive": time.time()})

    def write(self, name: str, change: Change = _as_it_is) -> MachineRecord:
        """Apply *change* to the record of *name*, and note a sign of life; GivenUp when there is none."""

        def changed(before: MachineRecord) -> MachineRecord:
            if not before:
                raise GivenUp(
                    f"{name} was given up meanwhile: it has no record in Consul any more.",
                    "No process took care of it for too long, or someone retired it. Provision another one.",
                )
            return {**change(before), "alive": time.time()}

        return self._store.update(record.key(name), changed)[1]

    def see_to(self, name: str, change: Change = _as_it_is) -> MachineRecord:
        """Write it as `write` does for a machine that is to stay; GivenUp as well when it is leaving."""

        def seen(before: MachineRecord) -> MachineRecord:
            if before["state"] == LEAVING:
                raise GivenUp(f"{name} is being destroyed.", "Provision another one when that is done.")
            return change(before)

        return self.write(name, seen)

    def open_join(self, name: str, token: JoinToken, bundle: str, seconds: float) -> None:
        """Let the machine *name* fetch *bundle* by *token*, once, within *seconds*."""
        join = Join(state=OPEN, until=time.time() + seconds, sealed=token.sealed(bundle))
        check = {token.identifier: token.host_key_check}
        self.see_to(name, lambda before: {**before, "joins": {**before.get("joins", {}), **check}})
        self._store.put(record.join_key(token.identifier), join)

    def joined(self, known: MachineRecord) -> Join | None:
        """Return what the machine itself said when it joined; None before."""
        for identifier, check in known.get("joins", {}).items():
            join = self._join(identifier)
            if join.get("state") == JOINED and _is_its_own(join, check):
                return join
        return None

    def failure(self, known: MachineRecord) -> str:
        """Return what the machine said that it failed at; empty when it said nothing."""
        return next(filter(None, (self._join(one).get("failed", "") for one in known.get("joins", {}))), "")

    def ready(self, name: str) -> None:
        """Note that the machine *name* is a host like others: its tokens are good for nothing any more."""
        before = self.find(name) or MachineRecord()
        self.see_to(name, lambda known: {**known, "state": READY, "joins": {}})
        self.forget_joins(before.get("joins", {}))

    def forget_joins(self, joins: Mapping[str, str]) -> None:
        """Let none of the tokens of *joins* be good for anything any more."""
        for identifier in joins:
            self._store.delete(record.join_key(identifier))

    def forget(self, name: str) -> None:
        """Remove all that is known of the machine *name*."""
        self.forget_joins((self.find(name) or MachineRecord()).get("joins", {}))
        self._store.delete(record.key(name))

    def forget_stray_joins(self) -> None:
        """Remove what tokens were good for whose machine has no record."""
        known = {one for found in self.every().values() for one in found.get("joins", {})}
        for place in self._store.keys(record.JOINS):
            if place[len(record.JOINS) :] not in known:
                self._store.delete(place)

    def _join(self, identifier: str) -> Join:
        return self._store.json(record.join_key(identifier), Join) or Join()


def _is_its_own(join: Join, check: str) -> bool:
    return is_signed(check, join.get("host_keys", []), join.get("address", ""), join.get("signature", ""))
