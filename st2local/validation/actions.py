"""Checks a pack's actions, their files and their workflows."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from st2local.content import metadata, schema
from st2local.content.registry import Registry
from st2local.content.resources import Pack, Resource
from st2local.content.yaml_file import Finding, Unreadable, YamlFile
from st2local.engine import definition
from st2local.templates import is_template
from st2local.values import Values

OVERRIDABLE = ("default", "description", "enum", "immutable", "required")
NEED_FILE = ("python-script", "orquesta", "local-shell-script", "remote-shell-script")
_GONE = {
    "mistral-v2": "mistral is gone since StackStorm 3.3; use orquesta",
    "cloudslang": "cloudslang is gone; use orquesta",
}
_NOT_HERE = ("action-chain", "winrm-cmd", "winrm-ps-cmd", "winrm-ps-script")


def check(registry: Registry, pack: Pack) -> Iterable[Finding]:
    """Return findings about the actions of a pack."""
    for action in registry.all("action"):
        if action.pack == pack.ref:
            yield from _check_action(registry, pack, action, registry.files[action.uid])


def _check_action(registry: Registry, pack: Pack, action: Resource, file: YamlFile) -> Iterable[Finding]:
    kind = action.data["runner_type"]
    if kind not in registry.runner_types:
        why = _GONE.get(kind, "st2local does not have it" if kind in _NOT_HERE else "there is no such runner")
        yield file.finding(f'runner_type "{kind}": {why}', ["runner_type"])
        return
    yield from _check_parameters(registry, action, file)
    yield from _check_output_schema(action, file)
    if kind in NEED_FILE:
        yield from _check_file(registry, pack, action, file)


def _check_parameters(registry: Registry, action: Resource, file: YamlFile) -> Iterable[Finding]:
    own, runner = action.data["parameters"], registry.runner(action).parameters
    if "secret" in own:
        message = 'StackStorm hides all parameters of an action that has one called "secret"; rename it'
        yield file.finding(message, ["parameters", "secret"])
    for name, prop in own.items():
        at = ["parameters", name]
        if not isinstance(prop, dict):
            continue
        for attribute, value in prop.items():
            inherited = runner.get(name, {}).get(attribute)
            if name in runner and attribute not in OVERRIDABLE and value != inherited:
                message = (
                    f'the attribute "{attribute}" of the runner\'s parameter "{name}" cannot be overridden'
                )
                yield file.finding(message, [*at, attribute])
        merged = {**runner.get(name, {}), **prop}
        if prop.get("immutable") and name not in runner and "default" not in prop:
            yield file.finding(f'the immutable parameter "{name}" needs a default', at)
        yield from _check_default(name, merged, file)
    yield from _check_positions(own, file)


def _check_default(name: str, prop: Values, file: YamlFile) -> Iterable[Finding]:
    default = prop.get("default")
    if default is None or is_template(default):
        return
    for _, message in schema.errors(default, prop):
        yield file.finding(
            f'the default of "{name}" does not fit: {message}', ["parameters", name, "default"]
        )


def _check_positions(own: Values, file: YamlFile) -> Iterable[Finding]:
    placed = [(p["position"], n) for n, p in own.items() if isinstance(p, dict) and "position" in p]
    for index, (position, name) in enumerate(sorted(placed)):
        if position != index:
            message = f'positions must be unique and without gaps from 0, but "{name}" has {position}'
            yield file.finding(message, ["parameters", name, "position"])


def _check_output_schema(action: Resource, file: YamlFile) -> Iterable[Finding]:
    declared = action.data["output_schema"]
    if not isinstance(declared, dict) or not declared:
        return
    full = isinstance(declared.get("type"), str)
    properties = declared.get("properties") or {} if full else declared
    checked = {**metadata.PARAMETERS, "definitions": metadata.ACTION["definitions"]}
    at = ["output_schema", "properties"] if full else ["output_schema"]
    for keys, message in schema.errors(properties, checked):
        yield file.finding(f"output_schema: {message}", [*at, *keys])


def _check_file(registry: Registry, pack: Pack, action: Resource, file: YamlFile) -> Iterable[Finding]:
    entry_point = action.data["entry_point"]
    path = pack.path / "actions" / entry_point
    if not entry_point or not path.is_file():
        yield file.finding(f'entry_point "{entry_point}" is not a file in actions/', ["entry_point"])
        return
    if action.data["runner_type"] == "python-script":
        yield from check_class(path, None)
    if action.data["runner_type"] == "orquesta":
        yield from _check_workflow(registry, action, path)


def check_class(path: Path, name: str | None) -> Iterable[Finding]:
    """Return findings about a Python file that must define a class (of that name)."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        yield Finding(
            path, getattr(error, "lineno", None) or 1, f"not Python: {getattr(error, 'msg', error)}"
        )
        return
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    if name is not None and name not in classes:
        yield Finding(path, 1, f'the file has no class "{name}"')
    elif not classes:
        yield Finding(path, 1, "the file has no class to run")


def _check_workflow(registry: Registry, action: Resource, path: Path) -> Iterable[Finding]:
    try:
        file = YamlFile(path)
        yield from file.duplicates()
        parsed = definition.parse(path.read_text())
    except Unreadable as error:
        yield error.finding
        return
    except Exception as error:
        yield Finding(path, 1, f"not a workflow: {error}")
        return
    for problem in definition.inspect(parsed, registry):
        yield file.finding(problem["message"], _keys(problem.get("spec_path") or ""))
    yield from _check_inputs(action, set(registry.runner(action).parameters), file)


def _keys(spec_path: str) -> list[str | int]:
    parts = spec_path.replace("[", ".").replace("]", "").split(".")
    return [int(part) if part.isdigit() else part for part in parts if part]


def _check_inputs(action: Resource, runners: set[str], file: YamlFile) -> Iterable[Finding]:
    wanted = file.data.get("input") if isinstance(file.data, dict) else None
    for index, one in enumerate(wanted or []):
        name = next(iter(one)) if isinstance(one, dict) else str(one)
        optional = isinstance(one, dict)
        if not optional and name not in action.data["parameters"]:
            message = f'the workflow wants the input "{name}", which action {action.ref} has not'
            yield file.finding(message, ["input", index])
    names = {next(iter(one)) if isinstance(one, dict) else str(one) for one in wanted or []}
    for name in action.data["parameters"]:
        if name not in names | runners:
            message = (
                f'action {action.ref} has the parameter "{name}", which the workflow does not take as input'
            )
            yield file.finding(message, ["input"])
