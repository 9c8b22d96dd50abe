"""
What is wrong with a block of code on a page, as what reads it in earnest says.

The language of a fence says what a block is, and `title="…"` behind it which file it is, or is a part of:

    ```yaml title="gateway.yaml"

A block of YAML without a title is of the pack's configuration, one of JSON is an fpm.json.
"""

from __future__ import annotations

import ast
import fnmatch
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import yaml

from gateway.alarms import reading
from st2local.content import schema
from tests.printed import programs, services
from tests.printed.commands import registry
from tests.printed.texts import ROOT, Text

CONFIG = yaml.safe_load((ROOT / "config.schema.yaml").read_text())
FPM = jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / "fpm.schema.json").read_text()))
SITE = jsonschema.Draft202012Validator(json.loads((ROOT / "infra" / "site.schema.json").read_text()))
WORKFLOW = ROOT / "examples" / "greeter" / ".github" / "workflows" / "ci.yaml"
HOW = 'write the file that it is, or is a part of, behind the language: ```yaml title="gateway.yaml"'
Reader = Callable[[Text], Iterator[str]]


def problems(block: Text) -> list[str]:
    """Return what is wrong with *block*, and that it cannot be said what it is."""
    reader = reader_of(block)
    if reader is None:
        unread = f"nothing reads this {block.language} block ({block.title or 'no title'})"
        return [f"{unread}; {HOW} ({_known(block)})"]
    try:
        return list(reader(block))
    except (ValueError, yaml.YAMLError) as error:
        return [str(error)]


def _known(block: Text) -> str:
    titles = [title or "no title" for language, title, _ in KINDS if language == block.language]
    languages = sorted({language for language, _, _ in KINDS})
    return (
        f"titles of {block.language}: {', '.join(titles)}" if titles else f"languages: {', '.join(languages)}"
    )


def reader_of(block: Text) -> Reader | None:
    """Return what reads *block*; None when its language and title say nothing."""
    name = block.title.rpartition("etc/cicd/")[2] if "etc/cicd/" in block.title else block.title
    fitting = (reader for language, title, reader in KINDS if _fits(block.language, name, language, title))
    return next(fitting, None)


def _fits(language: str, name: str, known: str, title: str) -> bool:
    return language == known and (fnmatch.fnmatch(name, title) or fnmatch.fnmatch(name, f"*/{title}"))


def against_schema(values: dict[str, Any]) -> list[str]:
    """Return what the pack's schema has against a part of its configuration."""
    unknown = [f"config.schema.yaml has no section {name}" for name in values if name not in CONFIG]
    known = {name: value for name, value in values.items() if name in CONFIG}
    return unknown + [text for name, value in known.items() for _, text in schema.errors(value, CONFIG[name])]


def configuration(block: Text) -> Iterator[str]:
    """Say what the pack refuses of its configuration, or of the file of a project."""
    values = _mapping(block)
    of_a_project = not values.keys() <= CONFIG.keys() and isinstance(values.get("repository"), str)
    yield from against_schema({"projects": {"shop": values}} if of_a_project else values)


def project(block: Text) -> Iterator[str]:
    """Say what the pack refuses of the file of a project."""
    yield from against_schema({"projects": {"shop": _mapping(block)}})


def site(block: Text) -> Iterator[str]:
    """Say what is wrong in a part of a site's data, whose other parts are the example's."""
    whole = yaml.safe_load((ROOT / "infra" / "site.yaml").read_text())
    whole["cicd"].update(_mapping(block)["cicd"])
    yield from (error.message for error in SITE.iter_errors(whole))


def workflow(block: Text) -> Iterator[str]:
    """Say why a workflow of GitHub Actions would not build what the pack asks for."""
    own, sample = _mapping(block), yaml.safe_load(WORKFLOW.read_text())
    if own.get("run-name") != sample["run-name"]:
        yield f"run-name is not {sample['run-name']}, by which the pack finds the run"
    began = own.get(True)  # YAML reads `on` as true
    dispatched = began.get("workflow_dispatch") if isinstance(began, dict) else None
    if missing := {"project", "commit"} - ((dispatched or {}).get("inputs") or {}).keys():
        yield f"workflow_dispatch lacks the inputs {', '.join(sorted(missing))}"
    for name, job in own.get("jobs", {}).items():
        if "runs-on" not in job or not all({"run", "uses"} & step.keys() for step in job.get("steps", [{}])):
            yield f"the job {name} lacks runs-on, or a step has neither run nor uses"


def fpm(block: Text) -> Iterator[str]:
    """Say what is no field of an fpm.json, or has the wrong type."""
    yield from (error.message for error in FPM.iter_errors(json.loads(block.code)))


def values(block: Text) -> Iterator[str]:
    """Say that it is not a JSON object."""
    if not isinstance(json.loads(block.code), dict):
        yield "it is not a JSON object"


def alarm(block: Text) -> Iterator[str]:
    """Say why the gateway cannot use the body of an alarm."""
    yield from reading.read(json.loads(block.code)).unusable


def result(block: Text) -> Iterator[str]:
    """Say which field of a result is none of the action that the title names."""
    action = registry().find("action", block.title.split()[-1])
    if action is None:
        yield f"there is no action {block.title.split()[-1]}"
        return
    fields = action.data.get("output_schema", {}).get("properties", {})
    yield from (f"{action.ref} returns no {key}" for key in json.loads(block.code) if key not in fields)


def payload(block: Text) -> Iterator[str]:
    """Say what the trigger that the title names does not send."""
    trigger = registry().find("trigger_type", block.title.split()[-1])
    if trigger is None:
        yield f"there is no trigger {block.title.split()[-1]}"
        return
    yield from (text for _, text in schema.errors(json.loads(block.code), trigger.data["payload_schema"]))


def python(block: Text) -> Iterator[str]:
    """Say why it is no Python."""
    try:
        ast.parse(block.code)
    except SyntaxError as error:
        yield f"line {error.lineno}: {error.msg}"


def text(block: Text) -> Iterator[str]:
    """Say that a block of plain text is configuration, which something can read."""
    try:
        found = yaml.safe_load(block.code)
    except yaml.YAMLError:
        return
    if isinstance(found, (dict, list)) and any(isinstance(one, (dict, list)) for one in _values(found)):
        yield "this is YAML or JSON, not text: name its language and file"


def diagram(block: Text) -> Iterator[str]:
    """Say that it begins as no diagram of Mermaid does."""
    if not re.match(r"(flowchart|graph|stateDiagram-v2|sequenceDiagram)\b", block.code):
        yield "a diagram begins with flowchart, stateDiagram-v2 or sequenceDiagram"


def _mapping(block: Text) -> dict[Any, Any]:
    values = yaml.safe_load(block.code)
    if not isinstance(values, dict):
        raise ValueError("it is no mapping of keys to values")
    return values


def _values(found: dict[Any, Any] | list[Any]) -> list[Any]:
    return list(found.values()) if isinstance(found, dict) else found


KINDS: tuple[tuple[str, str, Reader], ...] = (
    ("sh", "*", programs.shell),
    ("python", "*", python),
    ("mermaid", "*", diagram),
    ("text", "*", text),
    ("c", "*", text),
    ("javascript", "*", text),
    ("makefile", "*", text),
    ("yaml", "", configuration),
    ("yaml", "cicd.yaml", configuration),
    ("yaml", "projects.d/*.yaml", project),
    ("yaml", "site.yaml", site),
    ("yaml", ".github/workflows/*.yaml", workflow),
    ("yaml", "gateway.yaml", services.gateway),
    ("yaml", "status.yaml", services.status),
    ("yaml", "render.d/*.yaml", services.job),
    ("jinja", "*", services.template),
    ("yaml", "rules/*.yaml", services.content),
    ("yaml", "aliases/*.yaml", services.content),
    ("yaml", "actions/*.yaml", services.content),
    ("yaml", "policies/*.yaml", services.content),
    ("yaml", "prometheus.yml", programs.prometheus),
    ("yaml", "*alerts.yaml", programs.prometheus_rules),
    ("yaml", "alertmanager.yml", programs.alertmanager),
    ("json", "", fpm),
    ("json", "fpm.json", fpm),
    ("json", "POST /alarm*", alarm),
    ("json", "result of cicd.*", result),
    ("json", "payload of cicd.*", payload),
    ("json", "consul.d/*.json", programs.consul),
    ("json", "aptly.conf", values),
    ("json", "package.json", values),
    ("hcl", "consul.d/*.hcl", programs.consul),
    ("hcl", "*policy*.hcl", programs.consul_policy),
    ("haproxy", "*", programs.haproxy),
    ("ini", "*.service", programs.unit),
    ("ini", "*.timer", programs.unit),
    ("icinga", "*", programs.icinga),
)
