"""`st2local validate` finds every mistake seeded in a broken pack, where it stands, and none in good ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from st2local.validation.validate import validate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BROKEN = HERE / "packs" / "broken"

SEEDED = [
    ("pack.yaml:1", "'author' is a required property"),
    ("pack.yaml:4", "version: '1.0' does not match"),
    ("pack.yaml:5", "stackstorm_version: '>=3.8' does not match"),
    ("pack.yaml:6", "'3.11' is not one of ['2', '3']"),
    ("config.schema.yaml:3", "token.type: 'text'"),
    ("config.schema.yaml:4", "'secretly' was unexpected"),
    ("config.schema.yaml:7", "the default does not fit: 'many'"),
    ("config.yaml:1", "config.yaml in a pack is not read"),
    ("broken.yaml.example:1", "'much' is not of type 'integer'"),
    ("actions/not_yaml.yaml:2", "not readable as YAML"),
    ("actions/duplicate_key.yaml:3", '"description" is there twice'),
    ("actions/unknown_attribute.yaml:1", "'entrypoint' was unexpected"),
    ("actions/no_name.yaml:1", "'name' is a required property"),
    ("actions/unknown_runner.yaml:2", "there is no such runner"),
    ("actions/mistral.yaml:2", "mistral is gone"),
    ("actions/no_file.yaml:3", '"nowhere.py" is not a file'),
    ("actions/syntax.python:1", "not Python"),
    ("actions/classless.py:1", "no class to run"),
    ("actions/gap.yaml:5", '"b" has 2'),
    ("actions/immutable.yaml:4", '"a" needs a default'),
    ("actions/override.yaml:4", '"timeout" cannot be overridden'),
    ("actions/bad_default.yaml:4", "'three' is not of type 'integer'"),
    ("actions/type_list.yaml:4", "['string', 'integer'] is not one of"),
    ("actions/bad_attribute.yaml:4", "'reqired' was unexpected"),
    ("actions/bad_output.yaml:6", "'words' is not one of"),
    ("actions/same.yaml:1", "is in duplicate_key.yaml already"),
    ("actions/other_pack.yaml:2", 'pack is "elsewhere"'),
    ("actions/workflows/flow.yaml:2", 'has the parameter "unused"'),
    ("actions/workflows/flow.yaml:3", 'wants the input "missing"'),
    ("actions/workflows/flow.yaml:6", '"broken.nothing" is not registered'),
    ("actions/workflows/flow.yaml:8", 'The task "nowhere" is not defined'),
    ("actions/workflows/flow.yaml:9", 'missing required input "needed"'),
    ("actions/workflows/flow.yaml:17", 'unexpected input "extra"'),
    ("actions/workflows/flow.yaml:22", 'Variable "never_set" is referenced before assignment'),
    ("actions/workflows/flow.yaml:25", "Parse error"),
    ("actions/workflows/flow.yaml:27", "'repeat' was unexpected"),
    ("rules/unknown_trigger.yaml:3", 'no trigger type "broken.nothing"'),
    ("rules/unknown_action.yaml:6", 'no action "broken.nothing"'),
    ("rules/no_url.yaml:2", "'url' is a required property"),
    ("rules/bad_criteria.yaml:6", 'no known type: "equalz"'),
    ("rules/bad_criteria.yaml:7", "needs a pattern that is not null"),
    ("rules/bad_criteria.yaml:8", "not a regular expression"),
    ("rules/bad_parameters.yaml:8", 'has no parameter "other"'),
    ("rules/bad_parameters.yaml:6", 'needs the parameter "needed"'),
    ("rules/bad_parameters.yaml:9", 'parameter "fixed" of "broken.good" is immutable'),
    ("rules/bad_timer.yaml:4", "75) is higher than the maximum value (59)"),
    ("aliases/unknown_action.yaml:2", 'no action "broken.nothing"'),
    ("aliases/unknown_parameter.yaml:3", 'has no parameter "other"'),
    ("aliases/unknown_parameter.yaml:6", 'has no parameter "third"'),
    ("aliases/bad_regex.yaml:4", "cannot be used"),
    ("sensors/no_file.yaml:2", '"nothing.py" is not a file'),
    ("sensors/no_file.yaml:9", "write `required: true` in each property"),
    ("triggers/listed.yaml:5", "write `required: true` in each property"),
    ("sensors/wrong_class.py:1", 'no class "Other"'),
    ("policies/unknown_type.yaml:3", 'no policy type "action.nothing"'),
    ("policies/unknown_resource.yaml:2", 'no action "broken.nothing"'),
    ("policies/unknown_resource.yaml:4", "9 is greater than the maximum of 5"),
]


@pytest.fixture(scope="module")
def findings() -> list[str]:
    return [str(one).removeprefix(f"{BROKEN}/") for one in validate(BROKEN)]


@pytest.mark.parametrize(("place", "text"), SEEDED, ids=[f"{place} {text[:30]}" for place, text in SEEDED])
def test_a_seeded_mistake_is_found_where_it_stands(findings: list[str], place: str, text: str) -> None:
    assert any(one.startswith(f"{place}: ") and text in one for one in findings), "\n".join(findings)


def test_nothing_else_is_found(findings: list[str]) -> None:
    known = [one for one in findings if any(one.startswith(f"{p}: ") and t in one for p, t in SEEDED)]
    assert sorted(set(findings) - set(known)) == [
        "actions/override.yaml:4: the default of \"timeout\" does not fit: 60 is not of type 'string'"
    ]


def test_nothing_is_found_in_the_pack_of_this_repository() -> None:
    assert [str(one) for one in validate(ROOT)] == []


def test_a_ref_that_is_none_is_found(tmp_path: Path) -> None:
    shutil.copytree(BROKEN, tmp_path / "pack")
    (tmp_path / "pack" / "pack.yaml").write_text("ref: My-Pack\n")
    assert any("ref: 'My-Pack' does not match" in str(one) for one in validate(tmp_path / "pack"))


def test_a_directory_without_a_pack_is_said() -> None:
    (finding,) = validate(HERE)
    assert str(finding) == f"{HERE}/pack.yaml:1: the file does not exist"


def test_the_command_prints_findings_and_its_exit_code_tells() -> None:
    command = [sys.executable, "-m", "st2local", "validate", str(BROKEN)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "actions/gap.yaml:5:" in done.stdout
    command[-1] = str(ROOT)
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60).returncode == 0
