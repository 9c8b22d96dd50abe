"""Every resource of every pack that was loaded, found by its ref."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

import yaml

from st2local.content import loader
from st2local.content.resources import Metadata, Pack, Resource, RunnerType
from st2local.content.yaml_file import Finding, YamlFile
from st2local.errors import NotFoundError

_HERE = Path(__file__).resolve().parent
BUILT_IN = _HERE.parent / "packs"
KINDS = ("action", "rule", "action_alias", "sensor_type", "trigger_type", "policy")


class Registry:
    """What can be run and what can happen; filled at the start, and replaced as a whole."""

    def __init__(self) -> None:
        self.packs: dict[str, Pack] = {}
        self.runner_types = _runner_types()
        self.by_kind: dict[str, dict[str, Resource]] = {kind: {} for kind in KINDS}
        self.files: dict[str, YamlFile] = {}
        self.findings: list[Finding] = []
        for trigger in _system_triggers():
            self.by_kind["trigger_type"][trigger.ref] = trigger

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Registry:
        """Load the built-in packs and those at `paths`."""
        registry = cls()
        for path in sorted(BUILT_IN.iterdir()):
            registry.add(path, built_in=True)
        for path in paths:
            registry.add(path)
        return registry

    def again(self) -> Registry:
        """Load the same packs as their files are now."""
        return Registry.of(pack.path for pack in self.packs.values() if not pack.built_in)

    def replace(self, other: Registry) -> None:
        """Hold what *other* holds."""
        self.packs, self.by_kind = other.packs, other.by_kind
        self.files, self.findings = other.files, other.findings

    def add(self, path: Path, built_in: bool = False) -> None:
        """Load the pack at `path`; what is wrong with it goes into `findings`."""
        contents = loader.load(path, built_in)
        self.findings.extend(contents.findings)
        if contents.pack is None:
            return
        if contents.pack.ref in self.packs:
            file = contents.pack.path / "pack.yaml"
            self.findings.append(Finding(file, 1, f'a pack "{contents.pack.ref}" is loaded already'))
        self.packs[contents.pack.ref] = contents.pack
        for resource, file_ in contents.resources:
            self._add_resource(resource, file_)

    def _add_resource(self, resource: Resource, file: YamlFile) -> None:
        known = self.by_kind[resource.kind]
        if resource.ref in known:
            other = known[resource.ref].path.name
            self.findings.append(file.finding(f'"{resource.ref}" is in {other} already', ["name"]))
        known[resource.ref] = resource
        self.files[resource.uid] = file
        for trigger in resource.data.get("trigger_types") or []:
            data = {"payload_schema": {}, "parameters_schema": {}, "description": "", "tags": [], **trigger}
            kind = Resource("trigger_type", resource.pack, trigger["name"], data, resource.path)
            self.by_kind["trigger_type"][kind.ref] = kind

    def all(self, kind: str) -> list[Resource]:
        """Return the resources of a kind, by ref."""
        return [self.by_kind[kind][ref] for ref in sorted(self.by_kind[kind])]

    def find(self, kind: str, ref_or_id: str) -> Resource | None:
        """Return the resource of that ref or id, or None."""
        found = self.by_kind[kind].get(ref_or_id)
        return found or next((one for one in self.by_kind[kind].values() if one.id == ref_or_id), None)

    def get(self, kind: str, ref_or_id: str) -> Resource:
        """Return the resource of that ref or id; raises NotFoundError."""
        found = self.find(kind, ref_or_id)
        if found is None:
            raise NotFoundError(f'Resource with a reference or id "{ref_or_id}" not found')
        return found

    def runner(self, action: Resource) -> RunnerType:
        """Return the runner type of an action; raises NotFoundError."""
        name = action.data["runner_type"]
        if name not in self.runner_types:
            raise NotFoundError(f'Runner type "{name}" of action "{action.ref}" not found')
        return self.runner_types[name]

    def parameters(self, action: Resource) -> Metadata:
        """Return all parameters of an action: its runner's, overlaid with its own."""
        merged = {name: dict(prop) for name, prop in self.runner(action).parameters.items()}
        for name, prop in (action.data.get("parameters") or {}).items():
            merged[name] = {**merged.get(name, {}), **prop}
        return merged


@functools.cache
def _runner_types() -> dict[str, RunnerType]:
    raw = yaml.safe_load((_HERE.parent / "runners" / "runner_types.yaml").read_text())
    return {
        one["name"]: RunnerType(
            one["name"], one["description"], one["runner_parameters"], one.get("output_key")
        )
        for one in raw
    }


def _system_triggers() -> Iterable[Resource]:
    path = _HERE / "trigger_types.yaml"
    for one in yaml.safe_load(path.read_text()):
        data = {"payload_schema": {}, "parameters_schema": {}, "tags": [], "pack": "core", **one}
        yield Resource("trigger_type", "core", one["name"], data, path)
