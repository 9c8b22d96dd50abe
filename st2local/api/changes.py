"""What may be changed of what files describe: whether it takes effect. All else is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from st2local.api import rule_views
from st2local.api.ask import Ask
from st2local.api.content import document
from st2local.content.resources import Resource
from st2local.errors import RefusedError
from st2local.values import Values

Handler = Callable[[Ask], Any]
_KINDS = {
    "actions": "action", "rules": "rule", "actionalias": "action_alias", "sensortypes": "sensor_type",
    "policies": "policy",
}  # fmt: skip
FILES = "st2local reads it from files: change them, then run st2 pack register."
INSTALL = "st2local installs and removes no packs: start it with --pack for each that is to be there."


def changer(kind: str) -> Handler:
    """Return a handler that switches a resource on or off."""

    def change(ask: Ask) -> Values:
        resource = ask.engine.registry.get(kind, ask.path["ref"])
        body = ask.body()
        _refuse_others(ask, resource, body)
        ask.engine.enabled.set(resource, body["enabled"])
        return document(ask, resource)

    return change


def _refuse_others(ask: Ask, resource: Resource, body: Values) -> None:
    """Raise RefusedError when anything but `enabled` is to become other than it is shown."""
    shown = [document(ask, resource), *([rule_views.view(ask, resource)] if resource.kind == "rule" else [])]
    changed = [
        name
        for name, value in body.items()
        if name != "enabled" and all(value != one.get(name) for one in shown)
    ]
    if changed:
        raise RefusedError(f"{', '.join(sorted(changed))} of {resource.ref} cannot be changed here. {FILES}")
    if not isinstance(body.get("enabled"), bool):
        raise RefusedError(f"Only `enabled` of {resource.ref} can be changed here, to true or false. {FILES}")


def creator(kind: str) -> Handler:
    """Return a handler that refuses a new resource."""

    def create(ask: Ask) -> None:
        body = ask.body()
        ref = f"{body.get('pack', '')}.{body.get('name', '')}".strip(".")
        raise RefusedError(f"{_named(kind, ref)} cannot be created here. {FILES}")

    return create


def remover(kind: str) -> Handler:
    """Return a handler that refuses to delete a resource."""

    def remove(ask: Ask) -> None:
        ref = ask.engine.registry.get(kind, ask.path["ref"]).ref
        raise RefusedError(f"{_named(kind, ref)} cannot be deleted here. {FILES}")

    return remove


def clone(ask: Ask) -> None:
    """Refuse to copy an action."""
    ref = ask.engine.registry.get("action", ask.path["ref"]).ref
    raise RefusedError(f"{_named('action', ref)} cannot be cloned here. {FILES}")


def _named(kind: str, ref: str) -> str:
    return f"The {kind.replace('_', ' ')} {ref}".rstrip()


def install(ask: Ask) -> None:
    """Refuse to install packs."""
    raise RefusedError(f"{_packs(ask)} cannot be installed here. {INSTALL}")


def uninstall(ask: Ask) -> None:
    """Refuse to remove packs."""
    raise RefusedError(f"{_packs(ask)} cannot be removed here. {INSTALL}")


def _packs(ask: Ask) -> str:
    named = ask.body().get("packs")
    names = [ask.path["ref"]] if "ref" in ask.path else named if isinstance(named, list) else []
    return f"The pack {', '.join(map(str, names))}".rstrip()


ROUTES: list[tuple[str, str, Handler]] = [
    *(("POST", f"/{place}", creator(kind)) for place, kind in _KINDS.items()),
    *(("PUT", f"/{place}/{{ref}}", changer(kind)) for place, kind in _KINDS.items()),
    *(("DELETE", f"/{place}/{{ref}}", remover(kind)) for place, kind in _KINDS.items()),
    ("POST", "/actions/{ref}/clone", clone),
    ("POST", "/packs/install", install),
    ("POST", "/packs/uninstall", uninstall),
    ("POST", "/packs/{ref}/uninstall", uninstall),
]
