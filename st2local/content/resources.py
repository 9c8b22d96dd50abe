"""The resources of a pack, as their metadata files describe them."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from st2local.content import pack_files

Metadata = dict[str, Any]


def stable_id(uid: str) -> str:
    """Return the identifier of a resource: the same on every start."""
    return hashlib.sha256(uid.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Resource:
    """Anything with a name in a pack; `data` is its metadata with defaults filled in."""

    kind: str
    pack: str
    name: str
    data: Metadata
    path: Path

    @property
    def ref(self) -> str:
        """`<pack>.<name>`."""
        return f"{self.pack}.{self.name}"

    @property
    def uid(self) -> str:
        """`<kind>:<pack>:<name>`."""
        return f"{self.kind}:{self.pack}:{self.name}"

    @property
    def id(self) -> str:
        """24 hex digits."""
        return stable_id(self.uid)

    @property
    def enabled(self) -> bool:
        """Whether it takes effect."""
        return bool(self.data.get("enabled"))

    def document(self) -> Metadata:
        """Return the resource as the API shows it."""
        return {**self.data, "id": self.id, "ref": self.ref, "uid": self.uid, "pack": self.pack}


@dataclass(frozen=True)
class RunnerType:
    """A way to carry out actions, with the parameters each of its actions has."""

    name: str
    description: str
    parameters: dict[str, Metadata]
    output_key: str | None

    def document(self) -> Metadata:
        """Return the runner type as the API shows it."""
        return {
            "id": stable_id(f"runner_type:{self.name}"),
            "uid": f"runner_type:{self.name}",
            "name": self.name,
            "description": self.description,
            "enabled": True,
            "runner_module": self.name.replace("-", "_"),
            "runner_package": self.name.replace("-", "_"),
            "runner_parameters": self.parameters,
            "output_key": self.output_key,
            "output_schema": {},
        }


@dataclass(frozen=True)
class Pack:
    """A pack: its directory, its metadata and the schema of its config."""

    ref: str
    path: Path
    data: Metadata
    config_schema: dict[str, Metadata] = field(default_factory=dict)
    built_in: bool = False

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """The paths of its files below its directory, as they were when it was first asked."""
        return pack_files.of(self.path)

    def document(self) -> Metadata:
        """Return the pack as the API shows it."""
        defaults: Metadata = {
            "keywords": [],
            "dependencies": [],
            "system": {},
            "contributors": [],
            "email": "",
        }
        own = {"id": stable_id(f"pack:{self.ref}"), "uid": f"pack:{self.ref}", "ref": self.ref}
        return {**defaults, **self.data, **own, "path": str(self.path), "files": self.files}
