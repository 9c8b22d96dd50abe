"""The `tree` parameter of Jenkins' remote API: which fields of a page are wanted."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(r"[A-Za-z_]+|\[|\]|,|\{\d*,\d*\}")
Wanted = dict[str, tuple[Any, slice]]


def pick(page: Any, tree: str) -> Any:
    """Return of *page* what *tree* names, such as `builds[number,url]{0,10}`; all when it is empty."""
    if not tree or not isinstance(page, dict):
        return page
    return _pick(page, _parse(TOKEN.findall(tree)))


def _parse(tokens: list[str]) -> Wanted:
    wanted: Wanted = {}
    while tokens and tokens[0] != "]":
        name, inner, kept = tokens.pop(0), {}, slice(None)
        if tokens and tokens[0] == "[":
            tokens.pop(0)
            inner = _parse(tokens)
            tokens.pop(0)
        if tokens and tokens[0].startswith("{"):
            first, _, end = tokens.pop(0)[1:-1].partition(",")
            kept = slice(int(first or 0), int(end) if end else None)
        if name != ",":
            wanted[name] = (inner, kept)
    return wanted


def _pick(value: Any, wanted: Wanted) -> Any:
    if isinstance(value, list):
        return [_pick(item, wanted) for item in value]
    if not wanted or not isinstance(value, dict):
        return value
    picked = {"_class": value["_class"]} if "_class" in value else {}
    for name, (inner, kept) in wanted.items():
        if name in value:
            found = value[name][kept] if isinstance(value[name], list) else value[name]
            picked[name] = _pick(found, inner)
    return picked
