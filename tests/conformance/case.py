"""One row of the table: what is done, and what must come of it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.rest import PATIENCE, PAUSE, Rest

Values = dict[str, Any]
HERE = Path(__file__).resolve().parent
_MARK = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Case:
    """A named list of steps; `only` restricts it to one engine, and says why the other differs."""

    group: str
    name: str
    steps: list[Values]
    only: str | None

    @property
    def id(self) -> str:
        """How pytest names it."""
        return f"{self.group}: {self.name}"


def load() -> list[Case]:
    """Return all rows."""
    cases = []
    for path in sorted((HERE / "cases").glob("*.yaml")):
        for row in yaml.safe_load(path.read_text()):
            steps = row.pop("steps", None)
            name, only = row.pop("name"), row.pop("only", None)
            cases.append(Case(path.stem, name, steps or [row], only))
    return cases


def run(case: Case, rest: Rest) -> None:
    """Do the steps; raises AssertionError at the first that does not come out."""
    known: Values = {"unique": f"{os.getpid()}{time.time_ns()}"}
    for number, step in enumerate(case.steps):
        step = _filled(step, known)
        try:
            found = _do(step, rest)
            _expect(step, found)
        except AssertionError as error:
            raise AssertionError(f"{case.id}, step {number + 1}: {error}") from None
        for name, path in (step.get("save") or {}).items():
            known[name] = _at(found, path)


def _filled(value: Any, known: Values) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    if isinstance(value, str):
        whole = _MARK.fullmatch(value)
        return known[whole[1]] if whole else _MARK.sub(lambda mark: str(known[mark[1]]), value)
    return value


def _do(step: Values, rest: Rest) -> Any:
    if "run" in step:
        return _with_children(step, rest, rest.run(step["run"], step.get("with")))
    if "start" in step:
        return rest.start(step["start"], step.get("with"), **(step.get("more") or {}))
    if "wait" in step:
        wanted = tuple(step["until"]) if "until" in step else ("succeeded", "failed", "timeout", "canceled")
        return _with_children(step, rest, rest.wait(step["wait"], wanted))
    if "eventually" in step:
        return _eventually(step, rest)
    method, path = step["ask"].split(" ", 1)
    more: Values = {"headers": step.get("headers") or {}}
    if "raw" in step:
        more["content"] = step["raw"]
    answer = rest.ask(method, path, step.get("body"), **more)
    return {"code": answer.status_code, "body": _parsed(answer), "text": answer.text}


def _parsed(answer: Any) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _eventually(step: Values, rest: Rest) -> Any:
    """Read a path until what is expected is there."""
    deadline = time.monotonic() + float(step.get("seconds", 15)) * PATIENCE
    while True:
        found = {"body": rest.get(step["eventually"])}
        try:
            _expect(step, found)
            return found
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def _with_children(step: Values, rest: Rest, found: Values) -> Values:
    """Add the steps of a workflow; those that run on after its end are waited for."""
    deadline = time.monotonic() + 10 * PATIENCE
    while "tasks" in step:
        children = rest.children(found["id"])
        names = [f"{one['context']['orquesta']['task_name']} {one['status']}" for one in children]
        found = {**found, "tasks": sorted(names)}
        if found["tasks"] == step["tasks"] or time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    return found


def _expect(step: Values, found: Any) -> None:
    for name in ("status", "result", "code", "body", "text", "parameters", "context", "tasks"):
        if name in step and not (name == "body" and "ask" in step):
            _fits(name, step[name], found.get(name))
    if "answer" in step:
        _fits("answer", step["answer"], found["body"])


def _fits(where: str, wanted: Any, found: Any) -> None:
    """Objects may have more than is wanted; `~x` is a regular expression, `<absent>` means not there."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict), f"{where} is {found!r}, not an object"
        for name, one in wanted.items():
            if one == "<absent>":
                assert name not in found, f"{where}.{name} is {found[name]!r}, but must not be there"
                continue
            assert name in found, f"{where} has no {name}: {found!r}"
            _fits(f"{where}.{name}", one, found[name])
    elif isinstance(wanted, list) and wanted[:1] == ["<some>"]:
        _fits_some(where, wanted[1:], found)
    elif isinstance(wanted, list):
        assert isinstance(found, list), f"{where} is {found!r}, not a list"
        assert len(found) == len(wanted), f"{where} has {len(found)} entries, not {len(wanted)}: {found!r}"
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            _fits(f"{where}[{index}]", one, other)
    elif isinstance(wanted, str) and wanted.startswith("~"):
        assert re.search(wanted[1:], str(found), re.DOTALL), (
            f"{where} is {found!r}, which has no {wanted[1:]!r}"
        )
    else:
        assert found == wanted, f"{where} is {found!r}, not {wanted!r}"
        assert type(found) is type(wanted), f"{where} is {found!r}, of another type than {wanted!r}"


def _fits_some(where: str, wanted: list[Any], found: Any) -> None:
    for one in wanted:
        for other in found:
            try:
                _fits(where, one, other)
                break
            except AssertionError:
                continue
        else:
            raise AssertionError(f"{where} has no entry like {one!r}: {found!r}")


def _at(found: Any, path: str) -> Any:
    for part in path.split("."):
        found = found[int(part)] if part.lstrip("-").isdigit() else found[part]
    return found
