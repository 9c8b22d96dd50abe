"""Every action: what it takes, what it returns, who calls it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from reference import pack
from reference.markdown import code, page, table
from reference.pack import Yaml

STEP = "Step:"


def actions() -> str:
    """Return the page: first what people and other programs call, then the steps of workflows."""
    known = pack.files("actions")
    callers: dict[str, set[str]] = defaultdict(set)
    for action, caller in pack.callers():
        callers[action].add(caller)
    steps = [one for one in known if is_step(one)]
    lines = ["## Commands", "", *_sections((one for one in known if not is_step(one)), callers)]
    lines += [
        "## Steps",
        "",
        "Workflows and rules call these. Each does one thing, and may be run again.",
        "",
    ]
    return page("Actions", "the files in `actions`", [*lines, *_sections(steps, callers)])


def is_step(action: Yaml) -> bool:
    """Whether the action is one that workflows and rules call, not people."""
    return str(action["description"]).startswith(STEP)


def _sections(known: Iterable[Yaml], callers: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for one in known:
        name = f"cicd.{one['name']}"
        yield from [f"### {name}", "", str(one["description"]).removeprefix(STEP).strip(), ""]
        given = {key: value for key, value in one.get("parameters", {}).items() if not value.get("immutable")}
        rows = (_parameter(key, value) for key, value in sorted(given.items(), key=_order))
        yield from table(("parameter", "type", "default", "meaning"), rows)
        if returned := (one.get("output_schema") or {}).get("properties", {}):
            fields = ", ".join(f"`{key}` ({value['type']})" for key, value in returned.items())
            yield from [f"Returns {fields}.", ""]
        if called := sorted(callers.get(name, ())):
            yield from [f"Called by: {', '.join(called)}.", ""]


def _parameter(name: str, about: Yaml) -> tuple[str, ...]:
    default = "required" if about.get("required") else code(_default(about.get("default")))
    kind = (
        f"one of {', '.join(code(one) for one in about['enum'])}"
        if "enum" in about
        else about.get("type", "")
    )
    return code(name), str(kind), default, str(about.get("description", ""))


def _default(value: object) -> str:
    return (
        "" if value in (None, "", [], {}) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _order(parameter: tuple[str, Yaml]) -> tuple[int, str]:
    name, about = parameter
    return int(about.get("position", 99)), name
