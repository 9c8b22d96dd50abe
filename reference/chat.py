"""Every command that can be typed in chat."""

from __future__ import annotations

from collections.abc import Iterator

from reference import pack
from reference.markdown import code, page, table
from reference.pack import Yaml


def chat() -> str:
    """Return the page: each form of each command, and the action that it runs."""
    rows = [row for alias in pack.files("aliases") for row in _rows(alias)]
    return page("Chat", "the files in `aliases`", table(("what is typed", "action", "what it does"), rows))


def _rows(alias: Yaml) -> Iterator[tuple[str, str, str]]:
    action = str(alias["action_ref"])
    for form in alias["formats"]:
        shown = form["display"] if isinstance(form, dict) else form
        yield code(shown), f"[{action}](actions.md#{action.replace('.', '')})", str(alias["description"])
