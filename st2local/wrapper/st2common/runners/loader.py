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


def find_class(path: str, name: str | None = None) -> Any:
    """Return the class of that name, or the first with a method `run`; raises an error when there is none."""
    module = load(path)
    if name is not None:
        return getattr(module, name)
    found = [one for _, one in sorted(vars(module).items()) if isinstance(one, type)]
    own = [one for one in found if one.__module__ == module.__name__]
    for one in own:
        if not _runs(one):
            sys.stderr.write(
                f'Class "{one.__name__}" doesn\'t implement required "run" method from the base class\n'
            )
    runnable = [one for one in own if _runs(one)]
    if not runnable:
        raise Exception(f'Found no classes in plugin file "{path}" matching requirements.')
    return runnable[0]


def _runs(one: type) -> bool:
    run = getattr(one, "run", None)
    return isinstance(run, type(_runs)) and not getattr(run, "__isabstractmethod__", False)
