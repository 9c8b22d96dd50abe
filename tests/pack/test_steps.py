"""Inner steps are told from what people call by how their description begins."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTIONS = sorted((ROOT / "actions").glob("*.yaml"))
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "actions").rglob("*.py")]


@pytest.fixture(scope="module")
def called_by_people() -> set[str]:
    """What chat offers, and what a page or a message says to run."""
    aliases = (yaml.safe_load(path.read_text()) for path in (ROOT / "aliases").glob("*.yaml"))
    printed = re.findall(r"st2 run cicd\.(\w+)", "".join(page.read_text() for page in PAGES))
    return {alias["action_ref"].partition(".")[2] for alias in aliases} | set(printed)


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.stem)
def test_the_description_of_an_inner_step_begins_with_step(path, called_by_people):
    is_step = yaml.safe_load(path.read_text())["description"].startswith("Step: ")

    assert is_step == (path.stem not in called_by_people)
