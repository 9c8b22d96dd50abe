"""What `make test` says of its tests is true."""

import sys
from pathlib import Path

import pytest

from tests import suite
from tests.left_out import FPM
from tests.suite import Group

FAILS = "def test_it():\n    assert False\n"
PASSES = "def test_it():\n    pass\n"
LEFT_OUT = "import pytest\n\n@pytest.mark.skip(reason={reason!r})\ndef test_it():\n    pass\n"
FAILS_ONCE = """from pathlib import Path

def test_it():
    mark = Path(__file__).with_name("mark")
    if not mark.exists():
        mark.touch()
        assert False
"""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run one group made of one test, and return what is said of it and whether all is well."""
    monkeypatch.setattr(suite, "RESULTS", tmp_path)

    def run(test: str) -> tuple[list[str], bool]:
        (tmp_path / "test_one.py").write_text(test)
        words = (str(tmp_path), f"--rootdir={tmp_path}", "-q")
        group = Group("one", Path(sys.executable), words)
        first = suite.first_runs([group])
        return suite.summary(first, suite.again([group], first))

    return run


def test_tests_that_pass_are_counted(ran):
    lines, is_well = ran(PASSES)

    assert is_well
    assert lines[-1] == "tests: 1 passed, 0 failed, 0 skipped"


def test_a_test_that_fails_twice_is_a_failure(ran):
    lines, is_well = ran(FAILS)

    assert not is_well
    assert "failed: test_one.py::test_it" in lines
    assert lines[-1] == "tests: 0 passed, 1 failed, 0 skipped"


def test_a_test_that_passes_the_second_time_is_green_and_named_unstable(ran):
    lines, is_well = ran(FAILS_ONCE)

    assert is_well
    assert "unstable: test_one.py::test_it" in lines
    assert lines[-1] == "tests: 1 passed, 0 failed, 0 skipped"


def test_tests_that_cannot_be_collected_are_a_failure(ran):
    assert not ran("import nothing_of_that_name\n")[1]


def test_a_pytest_that_breaks_before_its_first_test_is_a_failure(ran):
    lines, is_well = ran("import os\nos._exit(3)\n")

    assert not is_well
    assert "failed: one" in lines


def test_a_test_that_needs_what_no_registry_has_may_be_left_out(ran):
    lines, is_well = ran(LEFT_OUT.format(reason=FPM))

    assert is_well
    assert f"left out: 1 tests: {FPM}" in lines


def test_a_test_that_is_left_out_for_another_reason_is_a_failure(ran):
    lines, is_well = ran(LEFT_OUT.format(reason="ssh is not here"))

    assert not is_well
    assert "wrongly left out: 1 tests: ssh is not here" in lines


def test_every_pytest_of_the_suite_finds_tests_that_are_there():
    paths = [word for group in suite.GROUPS for word in group.words if word.startswith("tests")]

    assert all((suite.ROOT / path).exists() for path in paths)


def test_every_file_of_the_acceptance_suite_is_run_by_one_group():
    """Those that need a lab alone run in another lane."""
    acceptance = next(group for group in suite.GROUPS if group.name == "acceptance")
    there = {path for path in (suite.ROOT / "tests/acceptance").glob("test_*.py")}
    left = {path for path in there if f"--ignore=tests/acceptance/{path.name}" not in acceptance.words}

    assert {str(path.relative_to(suite.ROOT)) for path in there - left} == set(suite.sites())
    assert left


def test_what_a_second_lane_prints_is_shown_after_the_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(suite, "RESULTS", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "test_one.py").write_text(PASSES)
    words = (str(tmp_path), f"--rootdir={tmp_path}", "-q")
    groups = [
        Group(name, Path(sys.executable), words, lane)
        for name, lane in (("one", ""), ("two", "b"), ("three", "b"))
    ]

    assert {name: one.passed for name, one in suite.first_runs(groups).items()} == dict.fromkeys(
        ("one", "two", "three"), 1
    )
    assert capsys.readouterr().out.count("1 passed") == 2
