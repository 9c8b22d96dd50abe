"""The project's contract, and what a package builder is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd import metadata, package
from cicd.errors import ProjectError
from cicd.metadata import Metadata
from cicd.package import Origin

COMMIT = "a" * 40
SCRIPTS = {"script/cisetup": "executable", "script/cibuild": "executable", "script/post-inst": "executable"}
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


def read(values: object, scripts: dict[str, str] = SCRIPTS) -> Metadata:
    text = values if values is None or isinstance(values, str) else json.dumps(values, indent=1)
    return metadata.read("greeter", COMMIT, text, {"script/post-install": "missing", **scripts})


def test_defaults_are_those_of_the_2015_contract():
    meta = read({"version": "1.0.0", "description": "Greets."})

    assert (meta.name, meta.architecture, meta.prefix) == ("greeter", "all", "/opt/greeter")
    assert meta.hook == "script/post-inst"


def test_the_packs_old_hook_name_is_accepted():
    scripts = {**SCRIPTS, "script/post-inst": "missing", "script/post-install": "executable"}

    assert read(WHOLE, scripts).hook == "script/post-install"


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


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"version": ', "1", '"x"'])
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
    for line in package.postinst(meta).splitlines()[3:]:
        assert not set(line.replace('"$@"', "").replace(">/dev/null 2>&1", "")) & set(";`$\\'\"(){}*?\t")


@given(st.text(min_size=1))
def test_no_description_adds_an_argument_or_a_control_field(description):
    try:
        meta = read({**WHOLE, "description": description})
    except ProjectError:
        return
    origin = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1)
    words = package.fpm_arguments(meta, "1.0.0-1.aaaaaaa", origin)

    assert package.files(meta, "1.0.0-1.aaaaaaa", origin)["fpm.args"].split("\n")[:-1] == words


@pytest.mark.parametrize("path", ["/opt/../etc", "opt", "/opt/a b", "/", "/opt/$(id)", "/opt/.."])
def test_a_prefix_stays_inside_the_tree(path):
    with pytest.raises(ProjectError, match="prefix"):
        read({**WHOLE, "prefix": path})


def test_the_hook_runs_on_every_configure_and_its_exit_status_decides():
    script = package.postinst(read(WHOLE))

    assert 'cd /opt/greeter && ./script/post-inst "$@"' in script
    assert script.startswith("#!/bin/sh\nset -e\n")


def test_fpm_gets_no_flag_that_would_make_it_skip_the_hook_on_upgrades():
    origin = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1)
    words = package.fpm_arguments(read(WHOLE), "1.0.0-1.aaaaaaa", origin)

    assert not [word for word in words if "upgrade" in word or "systemd" in word]
    assert words[words.index("-v") + 1] == "1.0.0"
    assert words[words.index("--iteration") + 1] == "1.aaaaaaa"
