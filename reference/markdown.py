"""Tables and words of Markdown pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def code(text: object) -> str:
    """Return *text* as code, or nothing where there is none."""
    said = str(text)
    if "`" in said:
        return f"`` {said} ``"
    return f"`{said}`" if said else ""


def cell(text: object) -> str:
    """Return *text* as it can stand in a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table; nothing when it has no rows."""
    lines = [f"| {' | '.join(cell(one) for one in row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *lines, ""] if lines else []


def page(title: str, source: str, lines: Iterable[str]) -> str:
    """Return the page called *title*, which is drawn from *source*."""
    head = [
        f"# {title}",
        "",
        f"Drawn from {source} by `python3 -m reference`. Do not edit it; CI compares.",
        "",
    ]
    return "\n".join([*head, *lines]).rstrip() + "\n"
