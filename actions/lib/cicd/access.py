"""Who may ask for what, where StackStorm's own RBAC is not there to say it. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Tuple

from cicd.errors import ConfigError, Refused
from cicd.release.approvals import among

AllowList = Mapping[str, Tuple[str, ...]]

# What people call, by the step of it that knows who asks.
ENTRIES = {
    "add_project": "add_project",
    "adopt_release": "adopt_release",
    "advertise_canary": "deploy",
    "advertise_break_glass": "break_glass",
    "allow_past_ci": "publish_past_ci",
    "approve": "approve",
    "build_package": "publish_apt_package",
    "drain_host": "retire_host",
    "exclude_host": "exclude_host",
    "find_build_host": "publish_apt_package",
    "freeze": "freeze",
    "include_host": "include_host",
    "handle_alarm": "alarm_raised",
    "lift_veto": "lift_veto",
    "lock_deploys": "lock_deploys",
    "order_machine": "provision_host",
    "pin_version": "pin_version",
    "promote_canary": "deploy_production",
    "publish_package": "publish_apt_package",
    "receive_push": "git_push",
    "reduce_push": "git_push",
    "reject": "reject",
    "remove_host": "retire_host",
    "remove_machine": "provision_host",
    "remove_project": "remove_project",
    "advertise_previous_good": "rollback",
    "set_traffic": "set_traffic",
    "steal_lock": "steal_lock",
    "thaw": "thaw",
    "unlock_deploys": "unlock_deploys",
    "unpin_version": "unpin_version",
    "veto_version": "veto_version",
}


def refuse(allowed: AllowList, step: str, who: str) -> None:
    """
    Raise Refused when *who* may not call the action whose first step is the action *step*.

    An action that *allowed* does not name is everybody's; one with an empty list nobody's.
    """
    action = ENTRIES.get(step, "")
    if action not in allowed or among(who, allowed[action]):
        return
    people = ", ".join(allowed[action]) or "nobody"
    raise Refused(
        f"{who or 'someone without a name'} may not call cicd.{action}; {people} may.",
        f"Ask one of them, or change access.{action} in the pack's configuration.",
    )


def refuse_promoter(promoters: Tuple[str, ...], project: str, ring: str, who: str) -> None:
    """Raise Refused when only *promoters*, of whom *who* is none, may promote to *ring*."""
    if promoters and not among(who, promoters):
        raise Refused(
            f"{who or 'someone without a name'} may not promote {project} to {ring}; "
            f"{', '.join(promoters)} may.",
            "Ask one of them, or change the ring's `promoters` in the pack's configuration.",
        )


def step_of(class_name: str) -> str:
    """Return the name of the action whose class is *class_name*: `PromoteCanary` is promote_canary."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


def parse(values: Any) -> Dict[str, Tuple[str, ...]]:
    """Return the allow-list written as *values*; a name it does not know would leave a door open."""
    if not isinstance(values or {}, Mapping):
        raise _wrong("it is not a mapping of actions to lists of users")
    for action, names in (values or {}).items():
        if action not in ENTRIES.values():
            raise _wrong(f"{action!r:.80} is not an action that it can be about")
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise _wrong(f"{action} has no list of users")
    return {action: tuple(names) for action, names in (values or {}).items()}


def _wrong(why: str) -> ConfigError:
    return ConfigError(
        f"`access` in the pack's configuration is wrong: {why}.",
        f"It may name: {', '.join(sorted(set(ENTRIES.values())))}.",
    )
