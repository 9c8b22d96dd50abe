"""The rules engine: tries every rule on every trigger instance, in a thread of its own."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any

from st2local import clock, object_id
from st2local.content.resources import Resource
from st2local.datastore import SYSTEM_USER
from st2local.engine import triggers
from st2local.engine.matching import Matcher

if TYPE_CHECKING:
    from st2local.engine.engine import Engine

LOG = logging.getLogger(__name__)
Values = dict[str, Any]


class Rules:
    """Matches and enforces."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)

    def start(self) -> None:
        """Begin; instances left over from before come first."""
        self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """End after the instance under way."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def reload(self) -> None:
        """Take up the rules as they are now."""
        self.__dict__.pop("_by_trigger", None)

    def wake(self) -> None:
        """There is a new instance."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait()
            self._wake.clear()
            pending = self._engine.triggers.pending()
            while pending and not self._stopping:
                for instance in pending:
                    self._process_safely(instance)
                pending = self._engine.triggers.pending()

    def _process_safely(self, instance: Values) -> None:
        try:
            self.process(instance)
        except Exception:
            LOG.exception("trigger instance %s could not be processed", instance["id"])
            self._engine.triggers.set_status(instance["id"], triggers.FAILED)

    def process(self, instance: Values) -> None:
        """Try all rules on one instance; all of it is kept, or none."""
        with self._engine.database.transaction():
            matcher = Matcher(
                self._engine.templates, instance, lambda rule, why: self._record(rule, instance, None, why)
            )
            for rule in matcher.matching(self.rules_for(instance["trigger"])):
                self._enforce(rule, instance)
            self._engine.triggers.set_status(instance["id"], triggers.PROCESSED)

    def rules_for(self, trigger: str) -> list[Resource]:
        """Return the enabled rules that wait for a trigger."""
        return [rule for rule in self._by_trigger.get(trigger, []) if self._engine.is_enabled(rule)]

    @functools.cached_property
    def _by_trigger(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for rule in self._engine.registry.all("rule"):
            found.setdefault(triggers.trigger_of(rule)["ref"], []).append(rule)
        return found

    def _enforce(self, rule: Resource, instance: Values) -> None:
        trace = instance["trace"]
        cause = {"type": "trigger_instance", "id": instance["id"]}
        self._engine.traces.add(trace, "rule", rule.id, rule.ref, cause)
        try:
            execution = self._request(rule, instance)
        except Exception as error:
            LOG.warning("rule %s could not start its action: %s", rule.ref, error)
            self._record(rule, instance, None, str(error))
        else:
            self._record(rule, instance, execution, None)

    def _request(self, rule: Resource, instance: Values) -> str:
        ref = rule.data["action"]["ref"]
        action = self._engine.registry.find("action", ref)
        if action is None:
            raise ValueError(f'Action "{ref}" doesn\'t exist')
        context = {
            "trigger_instance": {"id": instance["id"], "name": None},
            "rule": {"id": rule.id, "name": rule.name},
            "user": SYSTEM_USER,
            "pack": action.pack,
            "trace_context": {"id_": instance["trace"], "trace_tag": None},
        }
        given = rule.data["action"].get("parameters") or {}
        parameters = self._engine.render_live(action, given, context, {"trigger": instance["payload"]})
        shown = {"id": rule.id, "ref": rule.ref, "name": rule.name}
        execution = self._engine.request(
            ref, parameters, context, rule=shown, trigger_instance={"id": instance["id"]}
        )
        return execution.id

    def _record(self, rule: Resource, instance: Values, execution: str | None, failure: str | None) -> None:
        self._engine.database.insert(
            "enforcements",
            {
                "id": object_id.new(), "rule": rule.ref, "trigger_instance": instance["id"],
                "execution": execution, "status": "failed" if failure else "succeeded",
                "enforced_at": clock.now(), "failure_reason": failure,
            },
        )  # fmt: skip
