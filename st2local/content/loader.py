"""Reads one pack's directory into resources, with a finding for every file that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from st2local.content import metadata, schema
from st2local.content.resources import Metadata, Pack, Resource
from st2local.content.yaml_file import Finding, Unreadable, YamlFile

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass
class Contents:
    """Everything read from one pack, and what was wrong with it."""

    pack: Pack | None = None
    resources: list[tuple[Resource, YamlFile]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def load(path: Path, built_in: bool = False) -> Contents:
    """Read the pack at `path`."""
    contents = Contents()
    contents.pack = _load_pack(path.resolve(), contents, built_in)
    if contents.pack is None:
        return contents
    for folder, kind, checked in _KINDS:
        for file in _files(contents.pack.path / folder, contents):
            _load_resource(contents, file, kind, checked)
    return contents


def _load_pack(path: Path, contents: Contents, built_in: bool) -> Pack | None:
    file = _open(path / "pack.yaml", contents)
    if file is None:
        return None
    data = file.data if isinstance(file.data, dict) else {}
    data = {**data, "version": str(data["version"])} if "version" in data else data
    # StackStorm's schema lets a pack go without, its registration then does not.
    if _check(file, data, metadata.PACK, contents) and "email" not in data and not built_in:
        contents.findings.append(
            file.finding("'email' is needed: StackStorm registers no pack without it", [])
        )
    ref = str(data.get("ref") or _ref_of(path.name, str(data.get("name", ""))))
    schema_path = path / "config.schema.yaml"
    config = _open(schema_path, contents) if schema_path.exists() else None
    attributes: Any = {}
    if config is not None:
        attributes = config.data or {}
        _check(config, attributes, metadata.CONFIG_SCHEMA, contents)
    if (path / "config.yaml").exists():
        message = "config.yaml in a pack is not read; values belong in the configs directory"
        contents.findings.append(Finding(path / "config.yaml", 1, message))
    return Pack(ref, path, data, attributes if isinstance(attributes, dict) else {}, built_in)


def _ref_of(directory: str, name: str) -> str:
    fits = schema.errors(directory, {"type": "string", "pattern": metadata.PACK_REF}) == []
    return directory if fits else name


def _open(path: Path, contents: Contents) -> YamlFile | None:
    if not path.is_file():
        contents.findings.append(Finding(path, 1, "the file does not exist"))
        return None
    try:
        file = YamlFile(path)
    except Unreadable as error:
        contents.findings.append(error.finding)
        return None
    contents.findings.extend(file.duplicates())
    return file


def _files(folder: Path, contents: Contents) -> Iterator[YamlFile]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and path.is_file():
            file = _open(path, contents)
            if file is not None:
                yield file


def _check(file: YamlFile, data: Any, checked: schema.Schema, contents: Contents) -> bool:
    found = schema.errors(data, checked)
    contents.findings.extend(file.finding(message, keys) for keys, message in found)
    return not found


def _load_resource(contents: Contents, file: YamlFile, kind: str, checked: schema.Schema) -> None:
    assert contents.pack is not None
    if not _check(file, file.data, checked, contents):
        return
    data = {**file.data, "metadata_file": str(file.path.relative_to(contents.pack.path))}
    given = data.get("pack")
    if given not in (None, contents.pack.ref):
        contents.findings.append(
            file.finding(f'pack is "{given}", but this is "{contents.pack.ref}"', ["pack"])
        )
    resource = _DEFAULTS[kind](contents.pack.ref, data, file.path)
    contents.resources.append((resource, file))


def _named(kind: str, **defaults: Any) -> Callable[[str, Metadata, Path], Resource]:
    def build(pack: str, data: Metadata, path: Path) -> Resource:
        return Resource(kind, pack, data["name"], {**defaults, **data, "pack": pack}, path)

    return build


def _sensor(pack: str, data: Metadata, path: Path) -> Resource:
    defaults: Metadata = {
        "enabled": True,
        "poll_interval": None,
        "trigger_types": [],
        "description": "",
    }
    full = {**defaults, **data, "pack": pack, "name": data["class_name"]}
    return Resource("sensor_type", pack, data["class_name"], full, path)


_DEFAULTS: dict[str, Callable[[str, Metadata, Path], Resource]] = {
    "trigger_type": _named("trigger_type", description="", payload_schema={}, parameters_schema={}, tags=[]),
    "sensor_type": _sensor,
    "action": _named(
        "action",
        enabled=True,
        entry_point="",
        parameters={},
        output_schema={},
        tags=[],
        description="",
        notify={},
    ),
    "rule": _named("rule", enabled=False, criteria={}, context={}, tags=[], description=""),
    "action_alias": _named("action_alias", enabled=True, description="", immutable_parameters={}),
    "policy": _named("policy", enabled=True, description="", parameters={}),
}

_KINDS: list[tuple[str, str, schema.Schema]] = [
    ("triggers", "trigger_type", metadata.TRIGGER_TYPE),
    ("sensors", "sensor_type", metadata.SENSOR),
    ("actions", "action", metadata.ACTION),
    ("rules", "rule", metadata.RULE),
    ("aliases", "action_alias", metadata.ALIAS),
    ("policies", "policy", metadata.POLICY),
]
