"""The rules engine: tries every rule on every trigger instance, in a thread of its own."""

from __future__ import annotations

import functools
import logging
import threading
from dataclasses import dataclass

from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.database import Database
from st2local.engine import triggers
from st2local.engine.enabled import Enabled
from st2local.engine.enforcement import Enforcement
from st2local.engine.matching import Matcher
from st2local.engine.triggers import Triggers
from st2local.templates import Templates
from st2local.values import Values

LOG = logging.getLogger(__name__)


@dataclass
class Rules:
    """Matches, and has what fits enforced."""

    _database: Database
    _registry: Registry
    _enabled: Enabled
    _triggers: Triggers
    _templates: Templates
    _enforcement: Enforcement

    def __post_init__(self) -> None:
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)

    def start(self) -> None:
        """Begin; instances left over from before come first."""
        self._thread.start()
        self._triggers.ready.set()

    def stop(self) -> None:
        """End after the instance under way."""
        self._stopping = True
        self._triggers.ready.set()
        self._thread.join()

    def reload(self) -> None:
        """Take up the rules as they are now."""
        self.__dict__.pop("_by_trigger", None)

    def _run(self) -> None:
        while not self._stopping:
            self._triggers.ready.wait()
            self._triggers.ready.clear()
            pending = self._triggers.pending()
            while pending and not self._stopping:
                for instance in pending:
                    self._process_safely(instance)
                pending = self._triggers.pending()

    def _process_safely(self, instance: Values) -> None:
        try:
            self.process(instance)
        except Exception:
            LOG.exception("trigger instance %s could not be processed", instance["id"])
            self._triggers.set_status(instance["id"], triggers.FAILED)

    def process(self, instance: Values) -> None:
        """Try all rules on one instance; all of it is kept, or none."""
        with self._database.transaction():
            matcher = Matcher(
                self._templates, instance, lambda rule, why: self._enforcement.refuse(rule, instance, why)
            )
            for rule in matcher.matching(self.rules_for(instance["trigger"])):
                self._enforcement.enforce(rule, instance)
            self._triggers.set_status(instance["id"], triggers.PROCESSED)

    def rules_for(self, trigger: str) -> list[Resource]:
        """Return the enabled rules that wait for a trigger."""
        return [rule for rule in self._by_trigger.get(trigger, []) if self._enabled.has(rule)]

    @functools.cached_property
    def _by_trigger(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for rule in self._registry.all("rule"):
            found.setdefault(triggers.trigger_of(rule)["ref"], []).append(rule)
        return found
