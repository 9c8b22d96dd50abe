"""Finds the class that an action's or sensor's file defines."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def load(path: str) -> ModuleType:
    """Import the file at `path`; its directory comes last on the path, as under StackStorm."""
    # importlib.util would import far more than this needs.
    from importlib import machinery

    directory = os.path.dirname(os.path.realpath(path))
    if directory not in sys.path:
        sys.path.append(directory)
    name = os.path.basename(path).rpartition(".")[0] or os.path.basename(path)
    loader = machinery.SourceFileLoader(name, path)
    module = type(sys)(name)
    module.__spec__ = machinery.ModuleSpec(name, loader, origin=path)
    module.__file__, module.__loader__ = path, loader
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def find_class(path: str, base: type, name: str | None = None) -> Any:
    """Return the class of that name, or the first one derived from `base`; None when there is none."""
    module = load(path)
    if name is not None:
        return getattr(module, name)
    for attribute in sorted(vars(module)):
        one = getattr(module, attribute)
        if (
            isinstance(one, type)
            and issubclass(one, base)
            and one is not base
            and one.__module__ == module.__name__
        ):
            return one
    return None
