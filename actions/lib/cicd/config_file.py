"""The file that the configuration stands in, where it can be read: is it YAML, and where is a key?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

from cicd.config_schema import PACK, Keys
from cicd.errors import ConfigError
from cicd.sanitize import one_line

if TYPE_CHECKING:
    import yaml

NOWHERE = "the pack's configuration"
REGISTER = "then run `st2ctl reload --register-configs`"


def path() -> Path:
    """Return where StackStorm has it: `configs` is beside `packs`."""
    return PACK.parent.parent / "configs" / f"{PACK.name}.yaml"


def place(keys: Keys) -> str:
    """Return where *keys*, or the nearest one above, stands: file and line as far as they are known."""
    root = _root()
    return f"{path()}, line {_line(root, keys)}" if root else NOWHERE


def refuse_unreadable() -> None:
    """Raise ConfigError when the file is no YAML: StackStorm gives nothing of it, and no reason."""
    _root()


def _root() -> Optional[yaml.Node]:
    import yaml  # only what is wrong is looked up here

    file = path()
    try:
        return yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError):
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}, line {mark.line + 1}" if mark else str(file)
        why = one_line(str(getattr(error, "problem", "") or error), 200)
        raise ConfigError(
            f"The pack's configuration is no YAML: {where}: {why}.", f"Correct it, {REGISTER}."
        ) from None


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
