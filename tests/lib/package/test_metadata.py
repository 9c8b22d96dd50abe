"""The project's contract, and what a package builder is told."""

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cicd import allowed
from cicd.allowed import Allowed
from cicd.errors import ConfigError, ProjectError
from cicd.package import builder_input, fpm_json, maintainer_scripts, metadata
from cicd.package.builder_input import Origin
from cicd.package.fields import FIELDS
from cicd.package.metadata import Metadata
from cicd.package.shape import Flag, Items, Record, Shape

COMMIT = "a" * 40
SCRIPTS = {"script/cisetup": "executable", "script/cibuild": "executable", "script/post-inst": "executable"}
FILES = {"greeter.service": "not executable", "greeter.conf": "not executable"}
UNIT = "[Service]\nExecStart=/usr/bin/python3 /opt/greeter/greeter.py\n"
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


def content(path: str, text: str | bytes) -> dict[str, str]:
    """What a build host says of the content of *path*."""
    data = text.encode() if isinstance(text, str) else text
    return {f"content:{path}": base64.b64encode(data).decode()}


CONTENTS = {
    **content("greeter.service", UNIT),
    **content("script/post-inst", "#!/bin/sh\n"),
    **content("script/post-install", "#!/bin/sh\n"),
}


def read(
    values: object, states: dict[str, str] = SCRIPTS, allowed: Allowed = allowed.NOTHING_MORE
) -> Metadata:
    text = values if values is None or isinstance(values, str) else json.dumps(values, indent=1)
    said = {"script/post-install": "missing", **FILES, **CONTENTS, **states}
    return metadata.read("greeter", COMMIT, text, said, allowed)


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
    first = [*metadata.SCRIPTS, *metadata.HOOKS]
    assert metadata.paths(None, "greeter")[: len(first)] == first
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
    for script in maintainer_scripts.maintainer_scripts(meta).values():
        head = script.partition("\nformat=")[0].splitlines()[3:]
        settings_of = dict(line.split("=") for line in head if not line.startswith("info="))
        assert len(settings_of) == 18
        for value in settings_of.values():
            assert re.fullmatch(r"[A-Za-z0-9._+@/-]*|'[A-Za-z0-9._+@/ -]*'", value)


def values_of(shape: Shape) -> st.SearchStrategy:
    """What fits *shape*, or nearly so."""
    if isinstance(shape, Items):
        return st.lists(values_of(shape.each), max_size=2)
    if isinstance(shape, Record):
        required = {key: values_of(field.shape) for key, field in shape.fields.items() if field.required}
        more = {key: values_of(field.shape) for key, field in shape.fields.items() if not field.required}
        return st.fixed_dictionaries(required, optional=more)
    return st.booleans() if isinstance(shape, Flag) else st.from_regex(shape.pattern)


VALUES = st.one_of(
    JSON,
    st.lists(st.text(max_size=8), max_size=2),
    *(values_of(field.shape) for field in FIELDS.values()),
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]), VALUES), st.booleans())
def test_the_published_schema_takes_what_the_pipeline_takes(values, whole):
    values = {**(WHOLE if whole else {}), **values}
    _, problems = fpm_json.parse(json.dumps(values))
    accepted = Draft202012Validator(fpm_json.schema()).is_valid(values)
    ends_in_newline = '\\n"' in json.dumps(values)  # Python's $ matches before it, other languages' does not

    assert accepted == (not problems) or ends_in_newline or "\\ud" in json.dumps(values)


def test_the_schema_in_docs_is_that_of_the_code():
    published = Path(__file__).parents[3] / "docs" / "fpm.schema.json"

    assert json.loads(published.read_text()) == fpm_json.schema()


def test_every_field_is_in_the_documentation():
    page = (Path(__file__).parents[3] / "docs" / "project.md").read_text()

    assert [name for name in FIELDS if f"| `{name}` |" not in page] == []


@given(st.text(min_size=1))
def test_no_description_adds_an_argument_or_a_control_field(description):
    try:
        meta = read({**WHOLE, "description": description})
    except ProjectError:
        return
    origin = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1, "greeter")
    words = builder_input.fpm_arguments(meta, "1.0.0-1.aaaaaaa", origin)

    assert builder_input.files(meta, "1.0.0-1.aaaaaaa", origin)["fpm-deb.args"].split("\n")[:-1] == words


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/cron.d", "/usr/lib/systemd", "/usr/lib/systemd/system", "/usr/bin", "/usr/local/bin", "/opt"),
        *("/var/lib/dpkg/info", "/root", "/etc/greeter.d/../cron.d", "/boot", "/usr/lib/greeters", "/opt//x"),
        *("/var/lib", "/home/ann", "/lib/greeter-x/../y", "/srv/", "/usr", "//opt/x"),
    ],
)
def test_a_folder_of_the_system_is_no_projects(path):
    with pytest.raises(ProjectError, match="line 2: `prefix`"):
        read({"prefix": path, **WHOLE})
    with pytest.raises(ProjectError, match="line 3: `directories"):
        read({"directories": [path], **{k: v for k, v in WHOLE.items() if k != "directories"}})


@pytest.mark.parametrize(
    "path", ["/opt/greeter", "/opt/acme/web", "/srv/www", "/usr/lib/greeter", "/var/lib/greeter-data/x"]
)
def test_a_projects_own_folders_are_its_own(path):
    assert read({**WHOLE, "prefix": path, "directories": [path]}, {**SCRIPTS, "": "directory"}).prefix == path


def test_an_operator_allows_a_project_more_of_its_hosts():
    more = {"prefix": "/usr/lib/nginx/x", "user": "root", "unit": "web.service"}
    states = {**SCRIPTS, "web.service": "not executable", **content("web.service", UNIT)}
    with pytest.raises(ProjectError) as refusal:
        read({**WHOLE, **more}, states)
    assert len(refusal.value.details["problems"]) == 3
    assert "projects.greeter.allowed" in str(refusal.value)
    may = allowed.parse({"paths": ["/usr/lib/nginx"], "users": ["root"], "units": ["web.service"]}, "here")

    assert read({**WHOLE, **more}, states, may).user == "root"


@pytest.mark.parametrize(
    "section",
    [{"paths": "/etc"}, {"path": ["/etc"]}, {"paths": ["etc"]}, {"users": ["a b"]}, ["x"], {"units": [1]}],
)
def test_what_an_operator_allows_is_checked(section):
    with pytest.raises(ConfigError, match="`here"):
        allowed.parse(section, "here")


@pytest.mark.parametrize("user", ["root", "sshd", "systemd-network", "_apt", "daemon"])
def test_a_user_of_the_system_owns_no_directories(user):
    with pytest.raises(ProjectError, match=f"line 10: `user` is {user}, a user of the system"):
        read({**WHOLE, "user": user})


@pytest.mark.parametrize(
    ("unit", "problem"),
    [
        ("ssh.service", "line 11: `unit` is ssh.service: call it greeter.service"),
        ("deep/greeter@.service", "line 11: `unit` names greeter@.service, which is a template"),
        ("greeter.socket", r"line 11: `unit` must be .* ending in \.service"),
        ("greeter.timer", r"line 11: `unit` must be .* ending in \.service"),
    ],
)
def test_a_unit_that_is_not_the_projects_own_service_is_refused(unit, problem):
    with pytest.raises(ProjectError, match=problem):
        read({**WHOLE, "unit": unit}, {**SCRIPTS, unit: "not executable", **content(unit, UNIT)})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no ExecStart"),
        ("[Unit]\nDescription=x\n", "no ExecStart"),
        ("[Service]\nExecStart=/bin/true\n[Install]\nAlias=ssh.service\n", "line 4: `Alias` is ssh.service"),
        ("[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n", "line 3: a second ExecStart"),
        ("[Service]\nExecStart=bin/true\n", "line 2: ExecStart runs bin/true"),
        ("[Service]\nType=oneshot\nExecStart=/bin/true\nRestart=always\n", "Restart=always"),
        ("[Service]\nType=oneshot\nExecStop=/bin/true\n", "no ExecStart"),
    ],
)
def test_a_unit_that_systemd_would_not_load_is_refused(text, problem, tmp_path):
    with pytest.raises(ProjectError, match=f"greeter.service .*{problem}"):
        read(WHOLE, {**SCRIPTS, **content("greeter.service", text)})
    if "Alias" not in text:
        assert systemd_refuses(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        UNIT,
        "# x\n[Service]\nExecStart=\nExecStart=-/bin/sh -c \\\n# between\n  true\n",
        "[Service]\r\nExecStart=/bin/true\r\n[Install]\r\nAlias=greeter-old.service\r\n",
        "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/true\n",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n",
        "[Service]\nExecStart=true\n",
    ],
)
def test_a_unit_that_systemd_loads_is_taken(text, tmp_path):
    assert read(WHOLE, {**SCRIPTS, **content("greeter.service", text)}).units[0].names == ("greeter.service",)
    assert not systemd_refuses(
        tmp_path, text.replace("/usr/bin/python3 /opt/greeter/greeter.py", "/bin/true")
    )


def systemd_refuses(folder: Path, text: str) -> bool:
    (folder / "greeter.service").write_text(text, newline="")
    command = ["systemd-analyze", "verify", str(folder / "greeter.service")]
    return subprocess.run(command, capture_output=True, timeout=60).returncode != 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: a hook begins with #!"),
        ("\ufeff#!/bin/sh\n", "line 1: a hook begins with #!"),
        ("set -e\n", "line 1: a hook begins with #!"),
        ("#!/bin/sh\r\nset -e\r\n", "line 1 ends in CR LF"),
        ("#!/bin/sh\nset -e\r\n", "line 2 ends in CR LF"),
        ("#!/usr/bin/env python3\r\n", "line 1 ends in CR LF"),
        ("#!/bin/sh\n\n\0\n", "line 3 has a NUL byte"),
        ("#!sh\n", "line 1: the interpreter 'sh' is not an absolute path"),
        ("#!/usr/bin/env python3 -u\n", "line 1: env takes 'python3 -u' for one name"),
        ("#!/usr/bin/env\n", "line 1: env has no name"),
        ("#!/usr/bin/ruby\n", 'line 1: not every host has ruby: add "ruby" to `depends`'),
        ("#!/usr/bin/env node\n", 'line 1: not every host has node: add "nodejs" to `depends`'),
        ("#!/nonexistent/interpreter\n", "line 1: no package brings /nonexistent/interpreter"),
    ],
)
def test_a_hook_that_cannot_run_is_refused_with_file_and_line(text, problem):
    with pytest.raises(ProjectError, match=re.escape(f"script/post-inst {problem}")):
        read(WHOLE, {**SCRIPTS, **content("script/post-inst", text)})


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\n",
        "#! /bin/bash -eu\n",
        "#!/usr/bin/env python3\n",
        "#!/usr/bin/python3.11\n",
        "#!/usr/bin/env -S python3 -u\n",
        "#!/opt/greeter/.venv/bin/python\n",
        "#!/usr/local/bin/thing\n",
        "#!/usr/bin/perl\nprint qq(\r\n);\n",
        b"\x7fELF\0\0",
    ],
)
def test_a_hook_that_can_run_is_taken(text):
    assert read(WHOLE, {**SCRIPTS, **content("script/post-inst", text)}).hook == "script/post-inst"


@pytest.mark.parametrize("interpreter", ["/usr/bin/env python3", "/opt/greeter/bin/python"])
def test_before_the_first_installation_only_what_every_host_has_can_run(interpreter):
    states = {**SCRIPTS, "script/pre": "executable", **content("script/pre", f"#!{interpreter}\n")}
    with pytest.raises(ProjectError, match=r"script/pre line 1: .* when `before_install` runs"):
        read({**WHOLE, "before_install": "script/pre"}, states)


@pytest.mark.parametrize(
    ("key", "name", "problem"),
    [
        ("newline", b"doc/a\nb", r"'doc/a.{1,2}nb': dpkg takes no name with a newline"),
        ("long", b"x" * 247, "dpkg takes no name of more than 246 bytes"),
        ("target", b"link\xff", "a symbolic link's target has no newline"),
    ],
)
def test_a_file_name_that_dpkg_refuses_is_refused_by_name(key, name, problem):
    with pytest.raises(ProjectError, match=problem):
        read(WHOLE, {**SCRIPTS, f"tree:{key}": base64.b64encode(name + b"\0").decode()})


def test_a_directory_behind_a_link_of_the_repository_is_refused():
    values = {**WHOLE, "directories": ["/opt/greeter/data/x"]}
    with pytest.raises(
        ProjectError, match="`directories` names /opt/greeter/data/x, which is a file or behind"
    ):
        read(values, {**SCRIPTS, "data/x": "not a plain file"})
    assert read(values, {**SCRIPTS, "data/x": "missing"}).directories == ("/opt/greeter/data/x",)


@pytest.mark.parametrize("path", ["/opt/../etc", "opt", "/opt/a b", "/", "/opt/$(id)", "/opt/.."])
def test_a_prefix_stays_inside_the_tree(path):
    with pytest.raises(ProjectError, match="prefix"):
        read({**WHOLE, "prefix": path})


def test_the_hook_runs_on_every_configure_and_its_exit_status_decides():
    script = maintainer_scripts.maintainer_scripts(read(WHOLE))["postinst"]

    assert "\nprefix=/opt/greeter\n" in script
    assert "\nafter_install=script/post-inst\n" in script
    assert '"./$after_install" "$@"' in script
    assert "\nset -eu\n" in script


def test_fpm_gets_no_flag_that_would_make_it_skip_the_hook_on_upgrades():
    origin = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1, "greeter")
    words = builder_input.fpm_arguments(read(WHOLE), "1.0.0-1.aaaaaaa", origin)

    assert not [word for word in words if "upgrade" in word or "systemd" in word]
    assert words[words.index("-v") + 1] == "1.0.0"
    assert words[words.index("--iteration") + 1] == "1.aaaaaaa"


def test_the_line_of_a_value_is_found_wherever_it_stands():
    text = '{"a": [\n{"b" :\t"}],"},\n{"c": {}, "\\u0062": 1}], "a\\"": 1,\n"a": [1,\n2]}'

    assert fpm_json.line_of(text, ("a", 1)) == 5
    assert fpm_json.line_of('{"a": [\n{"b" :\t"}],"},\n{"c": {}, "\\u0062": 1}]}', ("a", 1, "b")) == 3
    assert fpm_json.line_of(" \n {}", ()) == 2


@given(JSON)
def test_every_way_into_a_value_has_a_line(value):
    text = json.dumps(value, indent=1)

    def visit(part, where):
        lines = text.split("\n")
        line = lines[fpm_json.line_of(text, where) - 1]
        if where and isinstance(where[-1], str):
            assert line.lstrip().startswith(json.dumps(where[-1]) + ":")
        members = (
            part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        )
        for key, member in members:
            visit(member, (*where, key))

    visit(value, ())


@pytest.mark.parametrize(
    ("values", "states", "build"),
    [
        ({}, {}, ""),
        ({}, {"script/build": "executable"}, "script/build"),
        ({"build": "make/it"}, {"make/it": "executable"}, "make/it"),
        ({"build": "make/it"}, {"make/it": "executable", "script/build": "missing"}, "make/it"),
    ],
)
def test_a_projects_build_is_the_one_that_it_names_or_the_one_by_convention(values, states, build):
    assert read({**WHOLE, **values}, {**SCRIPTS, **states}).build == build


@pytest.mark.parametrize("state", ["missing", "not executable", "not a plain file"])
def test_a_build_that_cannot_run_is_refused(state):
    with pytest.raises(ProjectError, match=f"make/it is {state}: it makes what is packaged"):
        read({**WHOLE, "build": "make/it"}, {**SCRIPTS, "make/it": state})


def test_a_conffile_that_the_build_makes_need_not_be_in_the_repository():
    conffile = {**WHOLE, "conffiles": ["/opt/greeter/made.conf"]}
    states = {**SCRIPTS, "made.conf": "missing"}

    assert read(conffile, {**states, "script/build": "executable"}).conffiles == ("/opt/greeter/made.conf",)
    with pytest.raises(ProjectError, match=r"made.conf is missing"):
        read(conffile, states)


def test_an_artifact_takes_the_place_of_the_projects_own_build_and_both_are_refused():
    states = {**SCRIPTS, "script/build": "executable"}
    found = read({**WHOLE, "artifact": "dist/*.tar.gz"}, states)

    assert (found.artifact, found.build) == ("dist/*.tar.gz", "")
    with pytest.raises(ProjectError, match="`build` and `artifact` both say what is packaged"):
        read({**WHOLE, "artifact": "dist/", "build": "script/build"}, states)
