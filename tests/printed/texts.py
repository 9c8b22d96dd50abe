"""What a reader may type: code of the pages, comments of configuration, the lab's guide, and messages."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import description
from lab.places import Places
from lab.world import World

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "docs/how-to/*.md", "examples/*/README.md")
SOURCES = ("actions/**/*.py", "sensors/*.py", "gateway/*.py", "host/*.py", "lab/**/*.py", "demo/*.py")
LINES = (
    "*.yaml", "*.yaml.example", "actions/*.yaml", "aliases/*.yaml", "rules/*.yaml", "policies/*.yaml",
    "sensors/*.yaml", "gateway/*.example", "host/*.conf", "infra/**/*.hcl", "rbac/**/*.yaml",
)  # fmt: skip
SPAN = "span"

_FENCE = re.compile(r'^( *)```(\S*)(?: +title="([^"\n]*)")?\n(.*?)^\1```$', re.M | re.S)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+")
_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
_BARE = re.compile(
    r"(?:(?<=: )|(?<=\()|\b(?=st2 run ))((?:st2|st2ctl|make|python3?|sudo|consul)\b [^`]+?)"
    r"(?=[.;]?\s*$|\.\s+[A-Z]|; |\)|, |\n)",
    re.M,
)


@dataclass(frozen=True)
class Text:
    """
    Code as it is printed, in *language* (`span` is within a sentence), and the file and line of it.

    *title* is which file a block is of, where the page says so.
    """

    where: str
    code: str
    language: str
    title: str = ""


def everything() -> Iterator[Text]:
    """Yield all that is printed for somebody to type."""
    yield guide()
    for path in paths(*PAGES):
        yield from page(path)
    for path in paths(*SOURCES):
        yield from messages(path)
    for path in paths(*LINES):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield from _typed(line, _where(path, number))


def paths(*patterns: str) -> list[Path]:
    """Return the files of the repository that fit one of *patterns*."""
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern)})


def guide() -> Text:
    """Return what the lab prints once it is up."""
    lines, first = inspect.getsourcelines(description.guide)
    begin = first + next(number for number, line in enumerate(lines) if line.endswith('f"""\n'))
    shown = description.guide(Places(Path("LAB")), World("127.77.0")).replace(str(ROOT), ".")
    return Text(f"lab/description.py:{begin}", shown, "sh")


def page(path: Path) -> Iterator[Text]:
    """Yield the blocks and the spans of code of a Markdown page."""
    text = path.read_text()

    def at(offset: int) -> str:
        return _where(path, text.count("\n", 0, offset) + 1)

    for block in _FENCE.finditer(text):
        yield Text(at(block.start(4)), textwrap.dedent(block[4]), block[2] or "none", block[3] or "")
    prose = _FENCE.sub(_blank, text)
    for block in _INDENTED.finditer(prose):
        if block[0].lstrip().startswith("|"):  # a table within a list
            continue
        yield Text(at(block.start()), block[0], "sh")
    for span in _SPAN.finditer(_INDENTED.sub(_blank, prose)):
        yield Text(at(span.start()), " ".join(span[2].split()), SPAN)


def messages(path: Path) -> Iterator[Text]:
    """Yield what the texts of a Python file tell a reader to type; a value is shown as «its name»."""
    for node in _strings(ast.parse(path.read_text())):
        yield from _typed(_shown(node), _where(path, node.lineno))


def _strings(node: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr) or (
            isinstance(child, ast.Constant) and isinstance(child.value, str)
        ):
            yield child
        elif not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):  # a docstring
            yield from _strings(child)


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_shown(value) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"«{getattr(node.value, 'attr', getattr(node.value, 'id', '…'))}»"
    return str(node.value) if isinstance(node, ast.Constant) else "…"


def _typed(text: str, where: str) -> Iterator[Text]:
    for span in _SPAN.finditer(text):
        yield Text(where, " ".join(span[2].split()), SPAN)
    for bare in _BARE.finditer(_SPAN.sub("", text)):
        yield Text(where, bare[1], SPAN)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "-", found[0])


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"
