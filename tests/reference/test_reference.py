"""docs/reference says what the code does, and leaves nothing out."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reference import __main__ as pages
from reference.programs import PROGRAMS

ROOT = Path(__file__).parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text()


def names(value: object) -> Iterator[str]:
    """Yield the name of every key of the configuration, however deep."""
    for key, about in value.items() if isinstance(value, dict) else ():
        if key == "properties":
            yield from about
        yield from names(about)


def test_the_pages_are_what_the_code_says():
    command = [sys.executable, "-m", "reference", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr


def test_an_old_page_and_one_of_nothing_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pages, "FOLDER", tmp_path)
    pages.main([])
    assert pages.main(["--check"]) == 0
    (tmp_path / "chat.md").write_text("old")
    (tmp_path / "gone.md").write_text("of nothing")

    assert pages.main(["--check"]) == 1
    assert "(chat.md, gone.md)" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["actions", "rules"])
def test_no_action_and_no_rule_is_missing(folder):
    said = page("actions") + page("events")
    for path in (ROOT / folder).glob("*.yaml"):
        one = yaml.safe_load(path.read_text())
        assert one["enabled"] is False or one["name"] in said, one["name"]


def test_no_key_of_the_configuration_is_missing():
    schema = yaml.safe_load((ROOT / "config.schema.yaml").read_text())
    said = page("configuration")
    for name in {*schema, *names(schema)}:
        assert f".{name}`" in said or f"## {name}\n" in said, name


def test_every_program_says_how_it_ends():
    said = page("programs")

    assert said.count("Exit status: ") == len(PROGRAMS)
    assert all(f"## {name}\n" in said for name, _, _ in PROGRAMS)
