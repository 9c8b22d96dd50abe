"""Everything that is wrong with a pack, without running it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from st2local.config import check
from st2local.content import schema
from st2local.content.registry import Registry
from st2local.content.resources import Pack
from st2local.content.yaml_file import Finding, Unreadable, YamlFile
from st2local.validation import actions, reactions


def validate(path: Path, others: Sequence[Path] = (), config: Path | None = None) -> list[Finding]:
    """Return what is wrong with the pack at `path`; `others` are packs whose actions it may call."""
    registry = Registry.of(others)
    registry.findings.clear()
    registry.add(path)
    pack = next((one for one in registry.packs.values() if one.path == path.resolve()), None)
    findings = list(registry.findings)
    if pack is not None:
        findings.extend(actions.check(registry, pack))
        findings.extend(reactions.check(registry, pack))
        findings.extend(_check_config(pack, config))
    return sorted(set(findings), key=lambda one: (str(one.path), one.line, one.message))


def _check_config(pack: Pack, given: Path | None) -> Iterable[Finding]:
    schema_path = pack.path / "config.schema.yaml"
    if schema_path.exists():
        try:
            yield from _check_defaults(YamlFile(schema_path), pack)
        except Unreadable:
            return
    for path in (given, pack.path / f"{pack.ref}.yaml.example"):
        if path is not None and path.exists():
            yield from _check_values(path, pack)


def _check_defaults(file: YamlFile, pack: Pack) -> Iterable[Finding]:
    for name, prop in pack.config_schema.items():
        if isinstance(prop, dict) and prop.get("default") is not None:
            for _, message in schema.errors(prop["default"], prop):
                yield file.finding(f"the default does not fit: {message}", [name, "default"])


def _check_values(path: Path, pack: Pack) -> Iterable[Finding]:
    try:
        file = YamlFile(path)
    except Unreadable as error:
        return [error.finding]
    values = file.data if isinstance(file.data, dict) else {}
    return check(file, values, pack.config_schema)
