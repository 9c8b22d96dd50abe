"""The project's contract, and what a package builder is told."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cicd import fpm_json, metadata, package, scripts
from cicd.errors import ProjectError
from cicd.fpm_json import FIELDS
from cicd.metadata import Metadata
from cicd.package import Origin

COMMIT = "a" * 40
SCRIPTS = {"script/cisetup": "executable", "script/cibuild": "executable", "script/post-inst": "executable"}
FILES = {"greeter.service": "not executable", "greeter.conf": "not executable"}
WHOLE = {
    "version": "1.0.0",
    "description": "Greets people.",
    "maintainer": "Ann <ann@example.com>",
    "license": "MIT",
    "depends": ["python3", "libc6 (>= 2.36)"],
    "user": "greeter",
    "unit": "greeter.service",
    "directories": ["/var/lib/greeter"],
}


def read(values: object, states: dict[str, str] = SCRIPTS) -> Metadata:
    text = values if values is None or isinstance(values, str) else json.dumps(values, indent=1)
    return metadata.read("greeter", COMMIT, text, {"script/post-install": "missing", **FILES, **states})


def test_defaults_are_those_of_the_2015_contract():
    meta = read({"version": "1.0.0", "description": "Greets."})

    assert (meta.name, meta.architecture, meta.prefix) == ("greeter", "all", "/opt/greeter")
    assert meta.hook == "script/post-inst"


def test_the_packs_old_hook_name_is_accepted():
    states = {**SCRIPTS, "script/post-inst": "missing", "script/post-install": "executable"}

    assert read(WHOLE, states).hook == "script/post-install"


@pytest.mark.parametrize("path", sorted(SCRIPTS))
@pytest.mark.parametrize("state", ["missing", "not executable"])
def test_a_project_without_its_scripts_is_refused_naming_the_file(path, state):
    with pytest.raises(ProjectError, match=f"{path} is {state}"):
        read(WHOLE, {**SCRIPTS, path: state})


def test_a_project_without_fpm_json_is_refused_naming_the_file():
    with pytest.raises(ProjectError, match=r"fpm\.json is missing"):
        read(None)


def test_every_problem_is_named_at_once_with_its_line():
    with pytest.raises(ProjectError) as refusal:
        read({"version": "v1", "description": "", "nmae": "x"}, {**SCRIPTS, "script/cibuild": "missing"})

    problems = refusal.value.details["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 4
    assert "fpm.json line 2: `version`" in problems[1]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"unit": "none.service"}, r"none\.service is missing: fpm\.json's `unit`"),
        ({"conffiles": ["/opt/greeter/none"]}, r"none is missing: fpm\.json's `conffiles`"),
        ({"conffiles": ["/etc/passwd"]}, "/etc/passwd, which is not below /opt/greeter"),
        ({"before_install": "script/pre-inst"}, "script/pre-inst is missing: it is `before_install`"),
        ({"after_install": "greeter.conf"}, r"greeter\.conf is not executable"),
        ({"depends": "python3"}, r'`depends` must be a list, each .*, such as \["libc6'),
        ({"version": "v1"}, r'line 2: `version` must be digits, .* such as "1.4.0"'),
        ({"architecture": ["all"]}, "`architecture` must be a Debian architecture"),
        ({"description": "\ud800"}, "`description` must be a text"),
    ],
)
def test_each_problem_is_named_with_what_to_write_instead(values, problem):
    with pytest.raises(ProjectError, match=problem):
        read({**WHOLE, **values})


def test_a_field_that_is_given_twice_is_refused():
    with pytest.raises(ProjectError, match="`version` twice"):
        read('{"version": "1.0", "description": "x", "version": "2.0"}')


def test_a_project_whose_name_is_no_package_name_must_say_one():
    with pytest.raises(ProjectError, match="has no `name`"):
        metadata.read("x", COMMIT, '{"version": "1", "description": "x"}', SCRIPTS)


def test_what_read_must_be_told_is_named_even_by_a_broken_fpm_json():
    assert metadata.paths(None, "greeter") == [*metadata.SCRIPTS, *metadata.HOOKS]
    assert "greeter.service" in metadata.paths(json.dumps({**WHOLE, "version": "v1"}), "greeter")


@pytest.mark.parametrize(
    "text", ["[" * 60_000, '{"a":' * 10_000, "", "[]", "nonsense", '{"version": ', "1", '"x"']
)
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(ProjectError, match=r"fpm\.json"):
        read(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*WHOLE, "prefix", "conffiles", "after_install", "name"]), JSON))
def test_hostile_values_are_refused_or_harmless(values):
    try:
        meta = read({**WHOLE, **values})
    except ProjectError:
        return
    for script in scripts.maintainer_scripts(meta).values():
        head = script.partition("\nformat=")[0].splitlines()[3:]
        settings_of = dict(line.split("=") for line in head if not line.startswith("info="))
        assert len(settings_of) == 10
        for value in settings_of.values():
            assert re.fullmatch(r"[A-Za-z0-9._+@/-]*|'[A-Za-z0-9._+@/ -]*'", value)


VALUES = st.one_of(
    JSON, st.lists(st.text(max_size=8), max_size=2), *(st.from_regex(f.pattern) for f in FIELDS.values())
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]), VALUES), st.booleans())
def test_the_published_schema_takes_what_the_pipeline_takes(values, whole):
    values = {**(WHOLE if whole else {}), **values}
    _, problems = fpm_json.parse(json.dumps(values))
    accepted = Draft202012Validator(fpm_json.schema()).is_valid(values)
    ends_in_newline = '\\n"' in json.dumps(values)  # Python's $ matches before it, other languages' does not

    assert accepted == (not problems) or ends_in_newline or "\\ud" in json.dumps(values)


def test_the_schema_in_docs_is_that_of_the_code():
    published = Path(__file__).parents[2] / "docs" / "fpm.schema.json"

    assert json.loads(published.read_text()) == fpm_json.schema()


def test_every_field_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "project.md").read_text()

    assert [name for name in FIELDS if f"| `{name}` |" not in page] == []


@given(st.text(min_size=1))
def test_no_description_adds_an_argument_or_a_control_field(description):
    try:
        meta = read({**WHOLE, "description": description})
    except ProjectError:
        return
    origin = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1, "greeter")
    words = package.fpm_arguments(meta, "1.0.0-1.aaaaaaa", origin)

    assert package.files(meta, "1.0.0-1.aaaaaaa", origin)["fpm-deb.args"].split("\n")[:-1] == words


@pytest.mark.parametrize("path", ["/opt/../etc", "opt", "/opt/a b", "/", "/opt/$(id)", "/opt/.."])
def test_a_prefix_stays_inside_the_tree(path):
    with pytest.raises(ProjectError, match="prefix"):
        read({**WHOLE, "prefix": path})


def test_the_hook_runs_on_every_configure_and_its_exit_status_decides():
    script = scripts.maintainer_scripts(read(WHOLE))["postinst"]

    assert "\nprefix=/opt/greeter\n" in script
    assert "\nafter_install=script/post-inst\n" in script
    assert '"./$after_install" "$@"' in script
    assert "\nset -eu\n" in script


def test_fpm_gets_no_flag_that_would_make_it_skip_the_hook_on_upgrades():
    origin = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1, "greeter")
    words = package.fpm_arguments(read(WHOLE), "1.0.0-1.aaaaaaa", origin)

    assert not [word for word in words if "upgrade" in word or "systemd" in word]
    assert words[words.index("-v") + 1] == "1.0.0"
    assert words[words.index("--iteration") + 1] == "1.aaaaaaa"
