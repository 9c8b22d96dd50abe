"""Every error and finding that the pack can report, with its hint, by kind."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reference.literals import UNKNOWN, texts
from reference.markdown import code, page, table
from reference.pack import ROOT

LIBRARY = ROOT / "actions" / "lib" / "cicd"
VALUE = re.compile(r"<[^>]*>|…")
CONFIGURATION = (
    *("analyses.py", "config_schema.py", "lifecycles.py", "monitoring.py", "notice_targets.py"),
    *("release/freeze_windows.py", "release/lifecycle.py"),
)
BAD = {"WRONG", "WARNING"}  # a finding in any other state asks nothing of anyone


HEAD = """`<name>` and `…` stand for what is different each time. [When it stops](../when-it-stops.md) sorts
the messages by symptom. What a host reports is in [hosts.md](hosts.md)."""


@dataclass(frozen=True)
class Message:
    """One sentence of the pack, what it says to do, its kind, and the file that has it."""

    kind: str
    said: str
    hint: str
    file: str


def messages() -> str:
    """Return the page: refusals and failures by the class that carries them, then what check_setup finds."""
    found, lines = list(errors()), [HEAD, ""]
    for kind, meaning in kinds().items():
        if any(one.kind == kind for one in found):
            lines += [f"## {kind}", "", meaning, "", *_table("message", [m for m in found if m.kind == kind])]
    for head, meaning, where in (
        ("Problems of the configuration", "What follows the name of a key in a ConfigError.", CONFIGURATION),
        (
            "Problems of a commit",
            "What follows `breaks the project contract:` in a ProjectError.",
            ("package/",),
        ),
    ):
        said = sorted({one for file, one in problems() if file.startswith(where)})
        lines += [f"## {head}", "", meaning, "", *table(("problem",), ((code(one),) for one in said))]
    lines += ["## check_setup", "", "What `cicd.check_setup` can find wrong.", ""]
    return page("Messages", "`actions/lib/cicd`", [*lines, *_table("finding", list(findings()))])


def _table(head: str, found: list[Message]) -> list[str]:
    hints = defaultdict(set)
    for one in found:
        hints[one.said].add(one.hint)
    rows = ((code(said), code(" / ".join(sorted(hints[said] - {""})))) for said in sorted(hints))
    return table((head, "what to do"), rows)


def kinds() -> dict[str, str]:
    """Return each class of an expected failure with what it means."""
    tree = ast.parse((LIBRARY / "errors.py").read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {one.name: (ast.get_docstring(one) or "").partition("\n")[0] for one in classes}


def errors() -> Iterator[Message]:
    """Yield each error whose text is written where it is made."""
    known = kinds()
    for file, scope, call, name in calls():
        if name in known:
            yield from _messages(name, call.args, 0, scope, file)


def findings() -> Iterator[Message]:
    """Yield each finding of a checkup that is, or may be, wrong."""
    for file, scope, call, name in calls():
        states = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
        if name == "Finding" and states & BAD:
            yield from _messages(name, call.args, 2, scope, file)


def problems() -> Iterator[tuple[str, str]]:
    """Yield each part of a sentence about one key or one file, with the module that has it."""
    for path in sorted(LIBRARY.rglob("*.py")):
        for scope in _scopes(path):
            for node in filter(None, map(_problem, _own(scope))):
                for said in filter(_is_sentence, texts(node, scope)):
                    yield str(path.relative_to(LIBRARY)), said


def _problem(node: ast.AST) -> ast.expr | None:
    """Return what *node* says of a key or file: it yields or returns that, or gives it to an error."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_wrong", "Problem"}
    ):
        return node.args[-1]
    value = node.value if isinstance(node, (ast.Yield, ast.Return)) else None
    return value.elts[-1] if isinstance(value, ast.Tuple) and value.elts else value


def calls() -> Iterator[tuple[str, ast.AST, ast.Call, str]]:
    """Yield each call by a plain name: its file, the function around it, itself and the name."""
    for path in sorted(LIBRARY.rglob("*.py")):
        for scope in _scopes(path):
            for node in _own(scope):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield str(path.relative_to(LIBRARY)), scope, node, node.func.id


@cache
def _scopes(path: Path) -> list[ast.AST]:
    """Return the module and its functions; three looks at the library ask for them."""
    tree = ast.parse(path.read_text())
    return [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef):
            yield node
            yield from _own(node)


def _messages(kind: str, args: list[ast.expr], at: int, scope: ast.AST, file: str) -> Iterator[Message]:
    if len(args) <= at:
        return
    hints = list(texts(args[at + 1], scope)) if len(args) > at + 1 else [""]
    for said in texts(args[at], scope):
        if (
            len(re.findall("[a-z]{2}", VALUE.sub("", said))) > 2
        ):  # else it only passes on what another one said
            yield Message(kind, said, " / ".join(filter(None, hints)) or UNKNOWN, file)


def _is_sentence(said: str) -> bool:
    """Whether *said* has words; else it only passes on what another one said."""
    return "\n" not in said and len(re.findall(r"(?<![/.])\b[a-z]{2,}\b", VALUE.sub("", said))) > 2
