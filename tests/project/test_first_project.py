"""The projects of docs/first-project.md are whole: each file is on the page, and each would be packaged."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.package.building import git
from tests.project.test_check import check

PAGE = Path(__file__).parents[2] / "docs" / "first-project.md"
FILE = re.compile(r"^\*\*`(\S+)`\*\*( \(executable\))?\n\n```\w+(?: title=\S+)?\n(.*?)^```$", re.M | re.S)
PROJECTS = {
    "Python": ("hello-python", "."),
    "Node.js": ("hello-node", "."),
    "C": ("hello-c", "."),
    "Several projects in one repository": ("shop", "api"),
}


def written(section: str, folder: Path) -> Path:
    """Make a repository in *folder* with the files that *section* shows; return the project's folder."""
    text = re.split(r"^## ", PAGE.read_text(), flags=re.M)
    shown = next(part for part in text if part.startswith(f"{section}\n"))
    name, below = PROJECTS[section]
    for path, is_executable, content in FILE.findall(shown):
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(0o755 if is_executable else 0o644)
    git(folder / name, "init", "--quiet", "--initial-branch=main")
    git(folder / name, "add", "--all")
    git(folder / name, "commit", "--quiet", "--message=First version")
    return folder / name / below


@pytest.mark.parametrize("section", PROJECTS)
def test_each_project_of_the_page_would_be_packaged(section, tmp_path):
    done = check(written(section, tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("section", ["Python", "Several projects in one repository"])
def test_its_tests_pass(section, tmp_path):
    project = written(section, tmp_path)

    for script in ("script/cisetup", "script/cibuild"):
        subprocess.run([project / script], cwd=project, check=True)
