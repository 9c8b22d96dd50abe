"""What a rule does with a trigger instance that it fits: it starts its action, on record."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from st2local import clock, object_id
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.database import Database
from st2local.datastore import SYSTEM_USER
from st2local.engine.lifecycle import Lifecycle
from st2local.engine.request_execution import Request
from st2local.engine.traces import Traces
from st2local.parameters import ActionParameters
from st2local.values import Values

LOG = logging.getLogger(__name__)


@dataclass
class Enforcement:
    """Starts actions for rules, and keeps whether that went well."""

    _database: Database
    _registry: Registry
    _traces: Traces
    _parameters: ActionParameters
    _lifecycle: Lifecycle

    def enforce(self, rule: Resource, instance: Values) -> None:
        """Start the action of a rule that fits an instance, and keep what came of it."""
        self._traces.add(instance["trace"], "rule", rule.id, rule.ref, f"trigger_instance {instance['id']}")
        try:
            execution = self._request(rule, instance)
        except Exception as error:
            LOG.warning("rule %s could not start its action: %s", rule.ref, error)
            self.refuse(rule, instance, str(error))
        else:
            self._record(rule, instance, execution, None)

    def _request(self, rule: Resource, instance: Values) -> str:
        ref = rule.data["action"]["ref"]
        action = self._registry.find("action", ref)
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
        parameters = self._parameters.live(action, given, context, {"trigger": instance["payload"]})
        shown = {"id": rule.id, "ref": rule.ref, "name": rule.name}
        request = Request(ref, parameters, context, rule=shown, trigger_instance={"id": instance["id"]})
        return self._lifecycle.request(request).id

    def refuse(self, rule: Resource, instance: Values, why: str) -> None:
        """Keep why a rule did nothing."""
        self._record(rule, instance, None, why)

    def _record(self, rule: Resource, instance: Values, execution: str | None, failure: str | None) -> None:
        self._database.insert(
            "enforcements",
            {
                "id": object_id.new(), "rule": rule.ref, "trigger_instance": instance["id"],
                "execution": execution, "status": "failed" if failure else "succeeded",
                "enforced_at": clock.now(), "failure_reason": failure,
            },
        )  # fmt: skip
