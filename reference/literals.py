"""How a reader sees a string of the code: `f"{project.name} is locked"` is `<project> is locked`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

PLAIN = {
    "name",
    "message",
    "hint",
    "said",
}  # the part before the dot says more: `project.name` is the project
CLEANERS = {"neutral", "one_line", "str", "_why"}  # what they return is what they got, fit to be printed
UNKNOWN = "…"


def texts(node: ast.expr, scope: ast.AST) -> Iterator[str]:
    """Yield each text that *node* may be; a name is what was last given to it in *scope* before."""
    if isinstance(node, ast.IfExp):
        yield from texts(node.body, scope)
        yield from texts(node.orelse, scope)
    elif isinstance(node, ast.Name):
        value = _assigned(node, scope)
        yield from texts(value, scope) if value else ()
    elif isinstance(node, (ast.BinOp, ast.JoinedStr, ast.Constant)):
        yield _text(node)


def _assigned(name: ast.Name, scope: ast.AST) -> ast.expr | None:
    """Return what *name* was given last before its line, unless that is another name."""
    given = [node for node in ast.walk(scope) if isinstance(node, ast.Assign) and node.lineno < name.lineno]
    values = [node.value for node in given if any(_is(one, name.id) for one in node.targets)]
    return None if not values or isinstance(values[-1], ast.Name) else values[-1]


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.FormattedValue):
        return _named(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return UNKNOWN


def _named(node: ast.expr) -> str:
    """Return how a reader sees the value of *node*: by its name, else as dots."""
    if isinstance(node, ast.BoolOp):
        return _named(node.values[0])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLEANERS:
        return _named(node.args[0])
    if isinstance(node, ast.Attribute) and node.attr in PLAIN and not _is(node.value, "self"):
        return _named(node.value)
    if isinstance(node, ast.Attribute):
        return _word(node.attr)
    return _word(node.id) if isinstance(node, ast.Name) else UNKNOWN


def _word(name: str) -> str:
    words = name.strip("_").replace("_", " ")
    return UNKNOWN if len(words) < 3 or words.isupper() else f"<{words}>"
