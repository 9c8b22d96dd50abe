"""docs/sizes.md says the limits that the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = {"": 1, "s": 1, "days": 86400, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
ROW = re.compile(r"^\| .* \| ([\d,]+) ?([A-Za-z]*) \| `(\S+)` `([A-Z_]+)` \|$", re.M)
ROWS = ROW.findall((ROOT / "docs" / "sizes.md").read_text())


def constants(path: str) -> dict[str, int]:
    """Return the whole numbers that the module at *path* gives names."""
    known: dict[str, int] = {}
    for line in ast.parse((ROOT / path).read_text()).body:
        match line:
            case ast.Assign(targets=[ast.Name(name)], value=value) if is_sum(value, known):
                known[name] = int(eval(ast.unparse(value), {"__builtins__": {}}, known))
    return known


def is_sum(value: ast.expr, known: dict[str, int]) -> bool:
    """Whether *value* is made of numbers, and of names in *known*."""
    return all(
        isinstance(part, (ast.BinOp, ast.operator, ast.Load))
        or (isinstance(part, ast.Constant) and isinstance(part.value, (int, float)))
        or (isinstance(part, ast.Name) and part.id in known)
        for part in ast.walk(value)
    )


def test_every_fixed_limit_of_the_page_is_read():
    fixed = (ROOT / "docs" / "sizes.md").read_text().partition("## Limits that are fixed")[2]

    assert len(ROWS) == fixed.count("\n| ") - 1 > 20


@pytest.mark.parametrize(("number", "unit", "path", "name"), ROWS, ids=[f"{row[2]}:{row[3]}" for row in ROWS])
def test_a_limit_of_the_page_is_that_of_the_code(number, unit, path, name):
    assert int(number.replace(",", "")) * UNITS[unit] == constants(path)[name]
