"""
Text from outside is data: nothing that StackStorm or Orquesta evaluates again can hold a template.

A rule's parameters are rendered once, and a Python action takes what comes of it as values; a task's
input, a workflow's context and its output are evaluated again. So a workflow's parameters are closed:
none of their values can open a template; and what enters it on the way is what a Python action of
this pack returned, which made it neutral.
"""

from __future__ import annotations

import ast
import re
import re._constants as regex
import re._parser as parser
from collections.abc import Iterator
from typing import Any

import pytest

from tests.pack.test_contract import ACTIONS, ALIASES, ROOT, RULES, WORKFLOWS

OPENERS = "{<"  # what every template begins with: {{ {% {# <%
PYTHON = {name for name, action in ACTIONS.items() if action["runner_type"] == "python-script"}
SPECIFIC = {"integer", "number", "boolean"}
EXECUTION_OF_OURS = re.compile(r"(?:'See why: st2 execution get ' \+ )?ctx\(\)\.st2\.action_execution_id")


def can_match(pattern: Any, character: str) -> bool:
    """Whether a part of the parsed *pattern* can match *character*."""
    return any(_takes(operation, argument, character) for operation, argument in pattern)


def _takes(operation: Any, argument: Any, character: str) -> bool:
    if operation in (regex.LITERAL, regex.NOT_LITERAL):
        return (chr(argument) == character) == (operation is regex.LITERAL)
    if operation is regex.IN:
        return _is_in(argument, character)
    if operation is regex.ANY:
        return True
    return any(can_match(part, character) for part in _parts(argument))


def _is_in(members: Any, character: str) -> bool:
    found = any(
        (operation is regex.LITERAL and chr(argument) == character)
        or (operation is regex.RANGE and argument[0] <= ord(character) <= argument[1])
        or (operation is regex.CATEGORY and "NOT" in str(argument))
        for operation, argument in members
    )
    return found != (members[0][0] is regex.NEGATE)


def _parts(argument: Any) -> Iterator[Any]:
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for one in argument:
            yield from _parts(one)


def excludes_templates(pattern: str) -> bool:
    """Whether *pattern* is about the whole text, and no text that it takes can open a template."""
    parsed = parser.parse(pattern)
    whole = list(parsed)[:1] == [(regex.AT, regex.AT_BEGINNING)] and list(parsed)[-1:] == [
        (regex.AT, regex.AT_END_STRING)
    ]
    return whole and not any(can_match(parsed, character) for character in OPENERS)


def is_closed(schema: dict[str, Any]) -> bool:
    """Whether no value that *schema* takes can hold a template, in a key or anywhere else."""
    kind = schema.get("type")
    if "enum" in schema:
        return not any(opener in str(value) for value in schema["enum"] for opener in OPENERS)
    if kind == "array":
        return is_closed(schema.get("items", {}))
    if kind == "object":
        return schema.get("additionalProperties") is False and all(
            map(is_closed, schema.get("properties", {}).values())
        )
    return kind in SPECIFIC or (kind == "string" and excludes_templates(schema.get("pattern", "")))


@pytest.mark.parametrize(
    ("pattern", "closed"),
    [
        (r"^[0-9a-f]{40}\Z", True),
        (r"^([A-Za-z0-9][A-Za-z0-9._/+@=-]{0,199})?\Z", True),
        (r"^[^{}<>%]{1,300}\Z", True),
        (r"^[^{}]{1,300}\Z", False),
        (r"^\S+\Z", False),
        (r"^.*\Z", False),
        (r"^\w+\Z", True),
        (r"^[!-~]+\Z", False),
        (r"[0-9a-f]{40}", False),
        (r"^a|b\Z", False),
        ("", False),
    ],
)
def test_a_pattern_is_closed_when_nothing_that_it_takes_opens_a_template(pattern, closed):
    assert excludes_templates(pattern) == closed


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_parameter_of_a_workflow_is_an_identifier_that_cannot_be_a_template(name):
    parameters = {key: schema for key, schema in ACTIONS[name]["parameters"].items() if key != "notify"}

    assert [key for key, schema in parameters.items() if not is_closed(schema)] == []
    assert WORKFLOWS[name].get("input", []) == list(parameters)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            assert re.fullmatch(r"\w+", key), f"a key is evaluated, too: {key}"
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def evaluated(name: str) -> Iterator[str]:
    """Yield every text of the workflow *name* that is evaluated."""
    definition = WORKFLOWS[name]
    yield from texts(definition.get("vars", []))
    yield from texts(definition["output"])
    for task in definition["tasks"].values():
        yield from texts([task.get("input", {}), task.get("with", "")])
        for transition in task.get("next", []):
            yield from texts([transition.get("when", ""), transition.get("publish", [])])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_evaluates_only_its_own_parameters_and_what_our_actions_returned(name):
    definition = WORKFLOWS[name]
    known = set(definition.get("input", [])) | {key for one in definition.get("vars", []) for key in one}
    for task in definition["tasks"].values():
        for transition in task.get("next", []):
            published = {key for one in transition.get("publish", []) for key in one}
            ours = task["action"].startswith("cicd.") or "result()" not in str(transition.get("publish"))
            assert ours, "what an action of another pack returns is not neutral"
            known |= published
    for text in evaluated(name):
        expressions = re.findall(r"<%(.*?)%>", text, re.S)
        assert not re.search(r"\{[{%#]", text), f"YAQL alone, so that one language is looked at: {text}"
        for expression in expressions:
            rest = EXECUTION_OF_OURS.sub("", expression)
            assert "st2" not in rest, f"who asks, and from where, is foreign text: {text}"
            used = re.findall(r"ctx\(\)\.(?:get\()?(\w+)", rest)
            assert len(used) == rest.count("ctx("), f"the whole context, or a computed name: {text}"
            assert set(used) <= known, text


@pytest.mark.parametrize("name", sorted(PYTHON))
def test_what_an_action_returns_is_made_neutral_in_one_place(name):
    tree = ast.parse((ROOT / "actions" / f"{name}.py").read_text())
    (made,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]

    assert [ast.unparse(base) for base in made.bases] in (
        ["CicdAction"],
        ["DeployStep"],
        ["RunStep"],
        ["TimedStep"],
        ["HoldAction"],
    )
    assert "run" not in {node.name for node in made.body if isinstance(node, ast.FunctionDef)}


def test_what_a_sensor_tells_is_made_neutral_in_one_place():
    for path in (ROOT / "sensors").glob("*.py"):
        source = path.read_text()
        assert "(CicdSensor)" in source
        assert "sensor_service.dispatch" not in source


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_gives_what_is_foreign_to_a_python_action_or_as_an_identifier(rule):
    pack, _, name = rule["action"]["ref"].partition(".")
    assert pack == "cicd"
    if name not in PYTHON:
        parameters = ACTIONS[name]["parameters"]
        assert [key for key in rule["action"]["parameters"] if not is_closed(parameters[key])] == []


@pytest.mark.parametrize("alias", ALIASES.values(), ids=ALIASES.keys())
def test_what_chat_shows_is_evaluated_again_and_holds_no_free_text_of_the_caller(alias):
    parameters = ACTIONS[alias["action_ref"].removeprefix("cicd.")]["parameters"]
    shown = " ".join(texts([alias.get("ack", {}), alias.get("result", {})]))

    for name in re.findall(r"execution\.parameters\.(\w+)", shown):
        assert is_closed(parameters[name]), name
    assert "execution.context" not in shown
    assert not re.search(r"execution\.result\.(stdout|stderr)", shown)
