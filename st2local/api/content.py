"""What is registered: actions, rules, aliases, triggers, sensors, policies, runner types, packs, configs."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from typing import Any

from starlette.responses import PlainTextResponse, Response

from st2local.api.ask import Ask, cut, page
from st2local.content.resources import Resource, stable_id
from st2local.engine import secrets, triggers
from st2local.engine.policies import POLICY_TYPES
from st2local.errors import NotFoundError
from st2local.values import Values

Handler = Callable[[Ask], Any]
_IGNORED = {
    "limit", "offset", "include_attributes", "exclude_attributes", "sort_asc", "sort_desc", "x-auth-token",
    "st2-api-key",
}  # fmt: skip


def document(ask: Ask, resource: Resource) -> Values:
    """Return a resource as the API shows it."""
    found = {**resource.document(), "enabled": ask.engine.enabled.has(resource)}
    if resource.kind == "rule":
        found["trigger"] = {**resource.data["trigger"], "ref": triggers.trigger_of(resource)["ref"]}
        found["trigger"].setdefault("parameters", {})
    if resource.kind == "sensor_type":
        found["trigger_types"] = [f"{resource.pack}.{one['name']}" for one in resource.data["trigger_types"]]
        found["artifact_uri"] = f"file://{resource.path.parent / resource.data['entry_point']}"
    return found


def lister(kind: str) -> Handler:
    """Return a handler that answers with the resources of a kind."""

    def list_all(ask: Ask) -> Response:
        return page(ask, fitting(ask, [document(ask, one) for one in ask.engine.registry.all(kind)]))

    return list_all


def getter(kind: str) -> Handler:
    """Return a handler that answers with one resource, by ref or id."""

    def get(ask: Ask) -> Values:
        return cut(ask, document(ask, ask.engine.registry.get(kind, ask.path["ref"])))

    return get


def fitting(ask: Ask, documents: list[Values]) -> list[Values]:
    """Return the documents whose attributes are what the query asks for."""
    wanted = {name: value for name, value in ask.query.items() if name not in _IGNORED and value != ""}
    return [one for one in documents if all(_fits(one, name, value) for name, value in wanted.items())]


def _fits(found: Values, name: str, value: str) -> bool:
    if name == "trigger" and isinstance(found.get("trigger"), dict):
        return value in (found["trigger"].get("type"), found["trigger"].get("ref"))
    if name == "action":
        return bool((found.get("action") or {}).get("ref") == value)
    if name not in found:
        return True
    return (
        str(found[name]).lower() == value.lower()
        if isinstance(found[name], bool)
        else str(found[name]) == value
    )


def parameters_view(ask: Ask) -> Values:
    """Answer with all parameters of an action, its runner's included."""
    action = ask.engine.registry.get("action", ask.path["ref"])
    return {"parameters": ask.engine.registry.parameters(action)}


def overview(ask: Ask) -> Response:
    """Answer with actions, each with all its parameters."""
    registry = ask.engine.registry
    found = [{**document(ask, one), "parameters": registry.parameters(one)} for one in registry.all("action")]
    return page(ask, fitting(ask, found))


def overview_one(ask: Ask) -> Values:
    """Answer with one action, with all its parameters."""
    action = ask.engine.registry.get("action", ask.path["ref"])
    return cut(ask, {**document(ask, action), "parameters": ask.engine.registry.parameters(action)})


def entry_point(ask: Ask) -> Response:
    """Answer with the text of an action's file."""
    action = ask.engine.registry.get("action", ask.path["ref"])
    path = ask.engine.registry.packs[action.pack].path / "actions" / action.data["entry_point"]
    if not action.data["entry_point"] or not path.is_file():
        raise NotFoundError(f"Action ref_or_id={action.ref} has no entry_point to output")
    return PlainTextResponse(path.read_text())


def runner_types(ask: Ask) -> Response:
    """Answer with the runner types."""
    found = [one.document() for _, one in sorted(ask.engine.registry.runner_types.items())]
    return page(ask, fitting(ask, found))


def runner_type(ask: Ask) -> Values:
    """Answer with one runner type, by name or id."""
    wanted = ask.path["ref"]
    for one in ask.engine.registry.runner_types.values():
        found = one.document()
        if wanted in (found["id"], found["name"]):
            return found
    raise NotFoundError(f'Resource with a reference or id "{wanted}" not found')


def policy_types(ask: Ask) -> Response:
    """Answer with the kinds of policies."""
    return page(ask, [_policy_type(name) for name in sorted(POLICY_TYPES)])


def policy_type(ask: Ask) -> Values:
    """Answer with one kind of policy."""
    if ask.path["ref"] not in POLICY_TYPES:
        raise NotFoundError(f'PolicyType with a reference or id "{ask.path["ref"]}" not found')
    return _policy_type(ask.path["ref"])


def _policy_type(ref: str) -> Values:
    resource, _, name = ref.partition(".")
    return {
        "id": stable_id(f"policy_type:{ref}"),
        "uid": f"policy_type:{resource}:{name}",
        "ref": ref,
        "name": name,
        "resource_type": resource,
        "enabled": True,
        "description": "",
        "parameters": POLICY_TYPES[ref],
        "module": f"st2actions.policies.{name.partition('.')[0]}",
    }


def all_triggers(ask: Ask) -> Response:
    """Answer with the triggers: one for each type, and one for each set of parameters of a rule."""
    found = {one["ref"]: one for one in _triggers(ask)}
    return page(ask, [found[ref] for ref in sorted(found)])


def one_trigger(ask: Ask) -> Values:
    """Answer with one trigger."""
    for one in _triggers(ask):
        if ask.path["ref"] in (one["id"], one["ref"]):
            return one
    raise NotFoundError(f'Resource with a reference or id "{ask.path["ref"]}" not found')


def _triggers(ask: Ask) -> list[Values]:
    plain = [triggers.trigger(one.ref, {}) for one in ask.engine.registry.all("trigger_type")]
    return plain + [triggers.trigger_of(rule) for rule in ask.engine.registry.all("rule")]


def packs(ask: Ask) -> Response:
    """Answer with the packs."""
    return page(ask, [pack.document() for _, pack in sorted(ask.engine.registry.packs.items())])


def register(ask: Ask) -> Values:
    """Read all packs and configs again, and say how many of each there are; one wrong file refuses all."""
    return dict(ask.engine.reload.reload())


def _pack(ask: Ask) -> Any:
    for pack in ask.engine.registry.packs.values():
        if ask.path["ref"] in (pack.ref, pack.document()["id"]):
            return pack
    raise NotFoundError(f'Resource with a ref or id "{ask.path["ref"]}" not found')


def pack(ask: Ask) -> Any:
    """Answer with one pack."""
    return cut(ask, _pack(ask).document())


def pack_file(ask: Ask) -> Response:
    """Answer with a file of a pack."""
    found, file = _pack(ask), ask.path["file"]
    root = found.path.resolve()
    try:
        path = (root / file).resolve()
        # A link may lead elsewhere.
        if file not in found.files or not path.is_relative_to(root):
            raise FileNotFoundError(path)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return Response(path.read_bytes(), media_type=kind)
    except (OSError, ValueError):
        raise NotFoundError(f'File "{file}" not found') from None


def pack_index(ask: Ask) -> Values:
    """Answer with the packs that can be installed: none, from no index."""
    return {"status": [], "index": {}}


def config_schemas(ask: Ask) -> Response:
    """Answer with the config schemas."""
    found = [
        _config_schema(ref, pack.config_schema) for ref, pack in sorted(ask.engine.registry.packs.items())
    ]
    return page(ask, [one for one in found if one["attributes"]])


def config_schema(ask: Ask) -> Values:
    """Answer with the config schema of a pack."""
    pack = ask.engine.registry.packs.get(ask.path["ref"])
    if pack is None or not pack.config_schema:
        raise NotFoundError(f"Unable to identify resource with pack_ref {ask.path['ref']}.")
    return _config_schema(pack.ref, pack.config_schema)


def _config_schema(ref: str, attributes: Values) -> Values:
    return {"id": stable_id(f"config_schema:{ref}"), "pack": ref, "attributes": attributes}


def configs(ask: Ask) -> Response:
    """Answer with the configs."""
    return page(ask, [_config(ask, ref) for ref in sorted(ask.engine.registry.packs)])


def config(ask: Ask) -> Values:
    """Answer with the config of a pack, its secrets masked."""
    return _config(ask, ask.path["ref"])


def _config(ask: Ask, ref: str) -> Values:
    values = ask.engine.configs.stored(ref)
    if not ask.flag("show_secrets"):
        values = secrets.mask_parameters(values, ask.engine.registry.packs[ref].config_schema)
    return {"id": stable_id(f"config:{ref}"), "pack": ref, "values": values}


def set_config(ask: Ask) -> Values:
    """Replace the config of a pack."""
    ask.engine.configs.store(ask.path["ref"], ask.body())
    return config(ask)
