"""No folder's files and rooms import each other in a circle, so each is understood from what it needs."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported(path: Path) -> set[str]:
    """Return the dotted names that a file imports anywhere: in functions and for types alone, too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: write the import from the root"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def circle(folder: Path, root: Path) -> list[str]:
    """Return a circle of the files and rooms of *folder*, whose imports begin at *root*; empty for none."""
    package = ".".join(folder.relative_to(root).parts) + "."
    needs: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        own = path.relative_to(folder).parts[0].removesuffix(".py")
        inside = {name.removeprefix(package) for name in imported(path) if name.startswith(package)}
        needs.setdefault(own, set()).update({name.partition(".")[0] for name in inside} - {own})
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def folders() -> list[tuple[Path, Path]]:
    """Return (folder, where imports begin) of every folder with code that this project installs."""
    tops = [(ROOT / "actions" / "lib", "cicd"), (ROOT, "st2local"), (ROOT, "gateway"), (ROOT, "host")]
    files = [(path.parent, root) for root, top in tops for path in (root / top).rglob("*.py")]
    return sorted(set(files))


@pytest.mark.parametrize(("folder", "root"), folders(), ids=lambda path: path.name)
def test_nothing_in_a_folder_needs_what_needs_it(folder: Path, root: Path) -> None:
    assert circle(folder, root) == []


def test_a_circle_is_found_across_rooms_functions_and_imports_for_types(tmp_path: Path) -> None:
    room = tmp_path / "house" / "room"
    room.mkdir(parents=True)
    (room / "door.py").write_text("def open():\n    from house import hall\n")
    (tmp_path / "house" / "hall.py").write_text("if TYPE_CHECKING:\n    from house.room.door import open\n")

    assert set(circle(tmp_path / "house", tmp_path)) == {"hall", "room"}
