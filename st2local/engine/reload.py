"""Packs and their configs read again while the server runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from st2local.content.registry import KINDS
from st2local.errors import ContentError

if TYPE_CHECKING:
    from st2local.engine.engine import Engine

COUNTED = {
    "action": "actions",
    "rule": "rules",
    "action_alias": "aliases",
    "sensor_type": "sensors",
    "trigger_type": "triggers",
    "policy": "policies",
}
_one_at_a_time = threading.Lock()


def reload(engine: Engine) -> dict[str, int]:
    """
    Take up actions, rules, aliases, policies, sensors and configs as their files are now.

    Returns how many there are of each. Raises ContentError, with all as it was, when a file is wrong now.
    What runs goes on with what it began with; sensors are started again.
    """
    with _one_at_a_time:
        registry = engine.registry.again()
        configs = engine.configs.again(registry)
        known = {str(finding) for finding in [*engine.registry.findings, *engine.configs.findings]}
        found = [str(finding) for finding in [*registry.findings, *configs.findings]]
        if wrong := [finding for finding in found if finding not in known]:
            raise ContentError("; ".join(wrong))
        engine.virtualenvs.reload()
        engine.registry.replace(registry)
        engine.configs = configs
        engine.rules.reload()
        engine.timers.reload()
        engine.sensors.reload()
        counts = {COUNTED[kind]: len(engine.registry.all(kind)) for kind in KINDS}
        return {**counts, "configs": len(engine.registry.packs)}
