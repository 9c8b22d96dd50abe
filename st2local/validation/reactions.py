"""Checks what makes a pack react: rules, aliases, sensors, triggers and policies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from st2local.content import schema
from st2local.content.registry import Registry
from st2local.content.resources import Pack, Resource
from st2local.content.yaml_file import Finding, YamlFile
from st2local.engine import alias_format, aliases, criteria, timers
from st2local.engine.definition import check_parameters
from st2local.engine.policies import POLICY_TYPES
from st2local.validation.actions import check_class
from st2local.values import Values

MINIMUM_POLL_INTERVAL = 4
_BARE_KEY = re.compile(r"{{\s*st2kv\.[\w.]+\s*}}")


def check(registry: Registry, pack: Pack) -> Iterable[Finding]:
    """Return findings about everything but the actions of a pack."""
    for kind, checker in _CHECKERS.items():
        for resource in registry.all(kind):
            if resource.pack == pack.ref and resource.uid in registry.files:
                yield from checker(registry, pack, resource, registry.files[resource.uid])


def _check_call(
    registry: Registry, ref: str, given: Values, file: YamlFile, at: list[str | int], complete: bool
) -> Iterable[Finding]:
    action = registry.find("action", ref)
    if action is None:
        yield file.finding(f'there is no action "{ref}"', at)
        return
    schemas = registry.parameters(action)
    missing, unexpected = check_parameters(schemas, given)
    for name in unexpected:
        yield file.finding(f'action "{ref}" has no parameter "{name}"', [*at[:-1], "parameters", name])
    for name in missing if complete else []:
        yield file.finding(f'action "{ref}" needs the parameter "{name}"', at)
    for name in given:
        if (schemas.get(name) or {}).get("immutable"):
            yield file.finding(f'parameter "{name}" of "{ref}" is immutable', [*at[:-1], "parameters", name])


def _check_rule(registry: Registry, pack: Pack, rule: Resource, file: YamlFile) -> Iterable[Finding]:
    kind = rule.data["trigger"]["type"]
    trigger = registry.find("trigger_type", kind)
    if trigger is None:
        yield file.finding(f'there is no trigger type "{kind}"', ["trigger", "type"])
    else:
        given = rule.data["trigger"].get("parameters") or {}
        checked = trigger.data.get("parameters_schema") or {}
        for keys, message in schema.errors(given, checked) if checked else []:
            yield file.finding(f"trigger parameters: {message}", ["trigger", "parameters", *keys])
        yield from _check_schedule(kind, given, file)
    for key, criterion in (rule.data.get("criteria") or {}).items():
        yield from _check_criterion(key, criterion, file)
    action = rule.data["action"]
    yield from _check_call(
        registry, action["ref"], action.get("parameters") or {}, file, ["action", "ref"], complete=True
    )


def _check_schedule(kind: str, given: Values, file: YamlFile) -> Iterable[Finding]:
    if kind in (timers.INTERVAL, timers.CRON, timers.DATE):
        try:
            timers.schedule(kind, given)
        except (ValueError, KeyError, TypeError) as error:
            yield file.finding(f"the timer cannot run: {error}", ["trigger", "parameters"])


def _check_criterion(key: str, criterion: Any, file: YamlFile) -> Iterable[Finding]:
    at = ["criteria", key]
    if not isinstance(criterion, dict):
        yield file.finding(f'the criterion "{key}" needs a type and a pattern', at)
        return
    if str(criterion.get("type", "")).lower() not in criteria.NAMES:
        yield file.finding(
            f'the criterion "{key}" has no known type: "{criterion.get("type")}"', [*at, "type"]
        )
    if criterion.get("pattern") is None:
        yield file.finding(f'the criterion "{key}" needs a pattern that is not null', at)
    elif "regex" in str(criterion.get("type")):
        try:
            re.compile(str(criterion["pattern"]))
        except re.error as error:
            yield file.finding(
                f'the pattern of "{key}" is not a regular expression: {error}', [*at, "pattern"]
            )
    if isinstance(criterion.get("pattern"), str) and _BARE_KEY.search(criterion["pattern"]):
        message = f'the pattern of "{key}" is never decided on StackStorm: write {{{{ st2kv... | string }}}}'
        yield file.finding(message, [*at, "pattern"])
    if not key.startswith("trigger"):
        yield file.finding(f'the criterion "{key}" must begin with "trigger."', at)


def _check_alias(registry: Registry, pack: Pack, alias: Resource, file: YamlFile) -> Iterable[Finding]:
    ref = alias.data["action_ref"]
    immutable = alias.data.get("immutable_parameters") or {}
    yield from _check_call(registry, ref, {}, file, ["action_ref"], complete=False)
    action = registry.find("action", ref)
    if action is None:
        return
    known = registry.parameters(action)
    for name in immutable:
        if name not in known:
            yield file.finding(f'action "{ref}" has no parameter "{name}"', ["immutable_parameters", name])
    for index, said in enumerate(aliases.formats(alias)):
        try:
            names = alias_format.parameter_names(said.representation)
        except re.error as error:
            yield file.finding(
                f'the format "{said.representation}" cannot be used: {error}', ["formats", index]
            )
            continue
        for name in sorted(names - set(known)):
            yield file.finding(f'action "{ref}" has no parameter "{name}"', ["formats"])


def _check_schemas(found: Values, at: list[str | int], file: YamlFile) -> Iterable[Finding]:
    for name in ("payload_schema", "parameters_schema"):
        for keys, _ in schema.listed_required(found.get(name)):
            message = (
                "a list here lets StackStorm refuse every payload: write `required: true` in each property"
            )
            yield file.finding(message, [*at, name, *keys])


def _check_trigger_type(registry: Registry, pack: Pack, found: Resource, file: YamlFile) -> Iterable[Finding]:
    return _check_schemas(found.data, [], file)


def _check_sensor(registry: Registry, pack: Pack, sensor: Resource, file: YamlFile) -> Iterable[Finding]:
    for index, found in enumerate(sensor.data.get("trigger_types") or []):
        yield from _check_schemas(found, ["trigger_types", index], file)
    interval = sensor.data["poll_interval"]
    if interval and interval < MINIMUM_POLL_INTERVAL:
        message = (
            f"the minimum poll_interval is {MINIMUM_POLL_INTERVAL} seconds; StackStorm registers no less"
        )
        yield file.finding(message, ["poll_interval"])
    path = pack.path / "sensors" / sensor.data["entry_point"]
    if not path.is_file():
        message = f'entry_point "{sensor.data["entry_point"]}" is not a file in sensors/'
        yield file.finding(message, ["entry_point"])
        return
    yield from check_class(path, sensor.data["class_name"])


def _check_policy(registry: Registry, pack: Pack, policy: Resource, file: YamlFile) -> Iterable[Finding]:
    kind, ref = policy.data["policy_type"], policy.data["resource_ref"]
    if registry.find("action", ref) is None:
        yield file.finding(f'there is no action "{ref}"', ["resource_ref"])
    if kind not in POLICY_TYPES:
        yield file.finding(f'there is no policy type "{kind}"', ["policy_type"])
        return
    for keys, message in schema.errors(policy.data["parameters"], schema.for_parameters(POLICY_TYPES[kind])):
        yield file.finding(f"parameters: {message}", ["parameters", *keys])


_CHECKERS: dict[str, Callable[[Registry, Pack, Resource, YamlFile], Iterable[Finding]]] = {
    "rule": _check_rule,
    "action_alias": _check_alias,
    "sensor_type": _check_sensor,
    "trigger_type": _check_trigger_type,
    "policy": _check_policy,
}
