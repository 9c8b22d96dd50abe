"""Packs and their configs read again while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from st2local.config import Configs
from st2local.content.registry import KINDS, Registry
from st2local.errors import ContentError
from st2local.virtualenvs import Virtualenvs

COUNTED = {
    "action": "actions",
    "rule": "rules",
    "action_alias": "aliases",
    "sensor_type": "sensors",
    "trigger_type": "triggers",
    "policy": "policies",
}


class Reload:
    """Takes up changed files; *parts* are called then, for they remember some of them."""

    def __init__(
        self, registry: Registry, configs: Configs, virtualenvs: Virtualenvs, *parts: Callable[[], None]
    ) -> None:
        self._registry = registry
        self._configs = configs
        self._virtualenvs = virtualenvs
        self._parts = parts
        self._one_at_a_time = threading.Lock()

    def reload(self) -> dict[str, int]:
        """
        Take up actions, rules, aliases, policies, sensors and configs as their files are now.

        Returns how many there are of each. Raises ContentError, with all as it was, when a file is wrong
        now. What runs goes on with what it began with; sensors are started again.
        """
        with self._one_at_a_time:
            registry = self._registry.again()
            configs = self._configs.again(registry)
            known = {str(finding) for finding in [*self._registry.findings, *self._configs.findings]}
            found = [str(finding) for finding in [*registry.findings, *configs.findings]]
            if wrong := [finding for finding in found if finding not in known]:
                raise ContentError("; ".join(wrong))
            self._virtualenvs.reload()
            self._registry.replace(registry)
            self._configs.replace(configs)
            for part in self._parts:
                part()
            counts = {COUNTED[kind]: len(self._registry.all(kind)) for kind in KINDS}
            return {**counts, "configs": len(self._registry.packs)}
