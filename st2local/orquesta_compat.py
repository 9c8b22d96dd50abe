"""
Lets PyPI's orquesta 1.2.0 run on Python 3.11 with today's networkx, jsonschema and yaql.

`install()` must be called before any module of orquesta is imported elsewhere.
"""

from __future__ import annotations

import collections
import collections.abc
import functools
import logging
import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from st2local.values import Values

_installed = False


def install(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Adapt orquesta, once, and add expression functions; an argument named `context` is filled in."""
    global _installed
    if _installed:
        return
    _installed = True
    logging.getLogger("stevedore").setLevel(logging.ERROR)
    _restore_removed_names()
    _add_functions(functions)
    _fix_graphs()
    _fix_inline_parameters()
    _fix_joins_after_failures()
    _remember_plugins()
    _guard_yaql()


def _restore_removed_names() -> None:
    for name in ("MutableSequence", "Mapping"):
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    import networkx

    if not hasattr(networkx.Graph, "node"):
        networkx.Graph.node = property(lambda graph: graph.nodes)


def _add_functions(functions: Mapping[str, Callable[..., Any]]) -> None:
    # The evaluators read this catalogue when their modules are imported.
    from orquesta.expressions.functions import base

    base.load().update(functions)


def _fix_graphs() -> None:
    from orquesta import graphing

    def get_root_nodes(graph: Any) -> list[Values]:
        roots = [name for name, degree in graph.in_degree() if not degree]
        return [{"id": name, "name": graph.nodes[name].get("name", name)} for name in sorted(roots)]

    graphing.WorkflowGraph.get_root_nodes = staticmethod(get_root_nodes)


def _fix_inline_parameters() -> None:
    from orquesta.utils import parameters

    pattern = parameters.REGEX_INLINE_PARAMS
    for word in ("true", "false"):
        pattern = pattern.replace(f"(?i){word}", f"(?i:{word})")
    parameters.REGEX_INLINE_PARAMS = pattern


def _fix_joins_after_failures() -> None:
    """Since orquesta 1.4 a failed task that leads into a join counts as remediated, ready or not."""
    from orquesta import events, machines, statuses

    machine = machines.WorkflowStateMachine
    original = machine.add_context_to_task_event

    def add_context(workflow_state: Any, event: Any) -> Any:
        abended = event.status in statuses.ABENDED_STATUSES
        if abended and _leads_to_join(workflow_state.conductor, event.task_id, event.route):
            event = SimpleNamespace(
                name=events.TASK_REMEDIATED, status=None, task_id=event.task_id, route=event.route
            )
        return original(workflow_state, event)

    machine.add_context_to_task_event = staticmethod(add_context)


def _leads_to_join(conductor: Any, task: str, route: int) -> bool:
    entry = conductor.get_task_state_entry(task, route)
    if not entry:
        return False
    for transition in conductor.graph.get_next_transitions(task):
        satisfied = entry["next"].get(f"{transition[1]}__t{transition[2]}")
        if transition[1] != "continue" and satisfied and conductor.graph.has_barrier(transition[1]):
            return True
    return False


def _remember_plugins() -> None:
    # stevedore looks through all installed packages each time; the answer never changes.
    from orquesta.utils import plugin

    plugin.get_module = functools.cache(plugin.get_module)


def _guard_yaql() -> None:
    """YAQL's parser may serve one thread at a time; what it has parsed may serve all."""
    from orquesta.expressions import yql

    parse = yql.YAQLEvaluator._engine
    lock = threading.Lock()

    @functools.lru_cache(2048)
    def parse_once(expression: str) -> Any:
        with lock:
            return parse(expression)

    yql.YAQLEvaluator._engine = staticmethod(parse_once)
