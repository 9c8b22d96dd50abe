"""Workflow definitions are parsed and inspected, also by many threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from st2local.content.registry import Registry
from st2local.engine import definition

TEXT = """
version: 1.0
input:
  - word{number}
tasks:
  only:
    action: core.echo
    input:
      message: <% ctx(word{number}) + 'number {number}' + str(len(ctx(word{number}))) %>
"""


def test_threads_do_not_disturb_each_other() -> None:
    registry = Registry.of([])

    def problems(number: int) -> list[dict[str, object]]:
        return definition.inspect(definition.parse(TEXT.replace("{number}", str(number))), registry)

    with ThreadPoolExecutor(8) as pool:
        assert [found for found in pool.map(problems, range(60)) if found] == []


def test_a_graph_is_composed_once_for_a_text() -> None:
    assert definition.parse(TEXT).graph is definition.parse(TEXT).graph


def test_required_parameters_with_a_default_may_be_left_out() -> None:
    schemas = {"a": {"required": True}, "b": {"required": True, "default": 1}, "c": {}}
    assert definition.check_parameters(schemas, {"d": 1}) == (["a"], ["d"])
