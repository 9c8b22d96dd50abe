"""A signature says what its data looks like."""

import ast
import re
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[2] / "actions/lib/cicd"
FREE = re.compile(r"(?:dict|Dict|Mapping|MutableMapping)\[str, Any\]")
FREE_AT_MOST = 40  # what a person may write as they like, and what only passes through


def trees():
    return {path: ast.parse(path.read_text()) for path in sorted(LIBRARY.rglob("*.py"))}


def annotations(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation:
            yield ast.unparse(node.annotation)
        if isinstance(node, ast.FunctionDef) and node.returns:
            yield ast.unparse(node.returns)


def test_few_signatures_take_or_return_data_of_any_shape():
    found = {path.name: sum(len(FREE.findall(one)) for one in annotations(t)) for path, t in trees().items()}

    assert sum(found.values()) <= FREE_AT_MOST, {name: count for name, count in found.items() if count}


def test_no_other_name_stands_for_data_of_any_shape():
    aliases = [
        f"{path.name}: {ast.unparse(node)}"
        for path, tree in trees().items()
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value
        and FREE.search(ast.unparse(node.value))
    ]

    assert aliases == []
