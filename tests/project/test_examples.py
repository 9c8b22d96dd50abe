"""The examples are sound, as a check of each says, and Lintian names no error in their packages."""

from pathlib import Path

import pytest

from tests.project.test_check import ROOT, check

EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/**/fpm.json"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_lintian_names_no_error_in_an_example(example: Path, tmp_path: Path):
    done = check(example, "--build", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "lintian:" not in done.stdout
    assert list(tmp_path.glob(f"{example.name}_*.deb"))
