"""One YAML or JSON file of a pack, with the line on which each value stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from st2local.errors import ContentError

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Finding:
    """Something wrong with a pack: where, and a sentence."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class YamlFile:
    """A parsed file: `data`, and `line(keys)` for where a nested value stands."""

    def __init__(self, path: Path) -> None:
        """Read `path`; raises ContentError, whose `finding` has the line, when it is not YAML."""
        self.path = path
        try:
            loader = Loader(path.read_bytes())
            self.node = loader.get_single_node()
            self.data: Any = loader.construct_document(self.node) if self.node is not None else None
        except (yaml.YAMLError, UnicodeDecodeError, OSError, ValueError) as error:
            raise Unreadable(self.path, error) from error

    def line(self, keys: Sequence[str | int] = ()) -> int:
        """Return the line (from 1) of the value at `keys`, or of its nearest parent."""
        node, line = self.node, 1
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line

    def finding(self, message: str, keys: Sequence[str | int] = ()) -> Finding:
        """Return a finding at the value of `keys`."""
        return Finding(self.path, self.line(keys), message)

    def duplicates(self) -> list[Finding]:
        """Return a finding for every key that stands twice in one mapping, and every merge key."""
        found: list[Finding] = []
        _walk_keys(self.node, self.path, found)
        return found


class Unreadable(ContentError):
    """A file that is not YAML."""

    def __init__(self, path: Path, error: Exception) -> None:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        self.finding = Finding(path, mark.line + 1 if mark else 1, f"not readable as YAML: {problem}")
        super().__init__(str(self.finding))


def _child(node: Any, key: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if getattr(key_node, "value", None) == str(key):
                return key_node.start_mark.line + 1, value_node
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item = node.value[key]
        return item.start_mark.line + 1, item
    return None


def _walk_keys(node: Any, path: Path, found: list[Finding]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _walk_keys(item, path, found)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in seen:
            found.append(Finding(path, key_node.start_mark.line + 1, f'the key "{key}" is there twice'))
        seen.add(key)
        _walk_keys(value_node, path, found)
