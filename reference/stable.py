"""What a site's own rules, scripts and dashboards may rely on, one name a line: see docs/stability.md."""

from __future__ import annotations

from collections.abc import Iterator

from reference import pack
from reference.actions import is_step
from reference.configuration import settings
from reference.hosts import codes
from reference.metrics import names
from reference.pack import Yaml
from reference.programs import PROGRAMS

FILE = pack.ROOT / "reference" / "stable.txt"
HEAD = "# What cicd {version} promises, drawn by `python3 -m reference --stable`. See docs/stability.md.\n"


def stable() -> list[str]:
    """Return a line for each name that is stable, in order."""
    found = [*_actions(), *_chat(), *_triggers(), *_webhooks(), *_programs()]
    found += [f"setting {name}" for name in settings()]
    found += [
        f"notice {name}"
        for name in pack.schema()["notices"]["items"]["properties"]["events"]["items"]["enum"]
    ]
    found += [f"host report {code}" for code in codes()]
    found += [f"metric {name}" for name in names()]
    return sorted(set(found))


def promised() -> list[str]:
    """Return the lines that the last release promised."""
    return FILE.read_text().splitlines()[1:]


def promise() -> None:
    """Write what this version promises."""
    version = pack.about()["version"]
    FILE.write_text(HEAD.format(version=version) + "".join(f"{line}\n" for line in stable()))


def broken() -> list[str]:
    """Return what is promised and gone, and which parameter has become one that callers do not give yet."""
    now, then = set(stable()), set(promised())
    known = {line for line in then if line.startswith("action ") and line.count(" ") == 1}
    asked = {
        line
        for line in now - then
        if line.endswith(" required") and line.rpartition(" parameter ")[0] in known
    }
    return sorted([f"gone: {line}" for line in then - now] + [f"new: {line}" for line in asked])


def _actions() -> Iterator[str]:
    for action in pack.files("actions"):
        if is_step(action):
            continue
        name = f"action cicd.{action['name']}"
        yield name
        for key, about in action.get("parameters", {}).items():
            if not about.get("immutable"):
                required = " required" if about.get("required") else ""
                yield f"{name} parameter {key}: {about.get('type', '')}{required}"
        for key, about in ((action.get("output_schema") or {}).get("properties") or {}).items():
            yield f"{name} returns {key}: {about['type']}"


def _chat() -> Iterator[str]:
    for alias in pack.files("aliases"):
        for form in alias["formats"]:
            yield f"chat {form['display'] if isinstance(form, dict) else form}"


def _triggers() -> Iterator[str]:
    for sensor in pack.files("sensors"):
        for trigger in sensor["trigger_types"]:
            yield f"trigger cicd.{trigger['name']}"
            for key, about in trigger["payload_schema"].get("properties", {}).items():
                yield f"trigger cicd.{trigger['name']} field {key}: {about['type']}"


def _webhooks() -> Iterator[str]:
    for rule in pack.files("rules"):
        parameters: Yaml = rule["trigger"].get("parameters") or {}
        if "url" in parameters:
            yield f"webhook {parameters['url']}"


def _programs() -> Iterator[str]:
    for name, _, parser in PROGRAMS:
        if name.startswith(".venv"):  # a tool of this repository
            continue
        yield f"program {name}"
        for option in parser()._actions:
            yield from (f"program {name} option {words}" for words in option.option_strings)
