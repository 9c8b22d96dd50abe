"""The file that the configuration stands in, where it can be read: is it YAML, and where is a key?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Dict, Mapping, Optional

from cicd.config_schema import PACK, Keys
from cicd.errors import ConfigError
from cicd.sanitize import one_line

if TYPE_CHECKING:
    import yaml

NOWHERE = "the pack's configuration"
REGISTER = "then run `st2ctl reload --register-configs`"


_own: Dict[str, Path] = {}  # the file of each project that has one, as they were read last


def stand_in(files: Mapping[str, Path]) -> None:
    """From now on what is wrong with a project, by name, is looked up in its own one of *files*."""
    _own.clear()
    _own.update(files)


def path() -> Path:
    """Return where StackStorm has it: `configs` is beside `packs`."""
    return PACK.parent.parent / "configs" / f"{PACK.name}.yaml"


def place(keys: Keys) -> str:
    """Return where *keys*, or the nearest one above, stands: file and line as far as they are known."""
    own = _own_file(keys)
    root = _root(own or path())
    return f"{own or path()}, line {_line(root, keys[2:] if own else keys)}" if root else str(own or NOWHERE)


def correction(keys: Keys, page: str) -> str:
    """Return what to do about *keys*, which *page* explains."""
    own = _own_file(keys)
    if own:
        return f"Correct it in {own}, see {page}; it is read when it changes."
    return f"Correct it in {path()}, see {page}, {REGISTER}."


def refuse_unreadable() -> None:
    """Raise ConfigError when the file is no YAML: StackStorm gives nothing of it, and no reason."""
    _root(path())


def _own_file(keys: Keys) -> Optional[Path]:
    return _own.get(str(keys[1])) if len(keys) > 1 and keys[0] == "projects" else None


def _root(file: Path) -> Optional[yaml.Node]:
    import yaml  # only what is wrong is looked up here

    try:
        return yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError):
        return None
    except yaml.YAMLError as error:
        raise ConfigError(
            f"The pack's configuration is not YAML: {why_no_yaml(file, error)}.", f"Correct it, {REGISTER}."
        ) from None


def why_no_yaml(file: Path, error: yaml.YAMLError) -> str:
    """Return where in *file* it ceases to be YAML, and why, by the parser's *error*."""
    mark = getattr(error, "problem_mark", None)
    where = f"{file}, line {mark.line + 1}" if mark else str(file)
    return f"{where}: {one_line(str(getattr(error, 'problem', '') or error), 200)}"


def _line(node: yaml.Node, keys: Keys) -> int:
    import yaml

    line = node.start_mark.line + 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if str(pair[0].value) == str(key)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = (node.value[key], node.value[key])
        else:
            found = None
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
    return line
