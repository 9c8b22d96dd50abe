"""Every key of the configuration is checked when it is read, by its name."""

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cicd import config, config_file, config_schema
from cicd.errors import ConfigError
from st2local.content import schema as stackstorm

ROOT = Path(__file__).parents[2]
EXAMPLE = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
SAMPLES: dict[str, Any] = {
    "string": "text",
    "integer": 7,
    "boolean": True,
    "array": ["a"],
    "object": {"a": {"b": 1}},
    "number": 1.5,
}
Way = tuple[str | int, ...]


def ways(one: dict[str, Any], way: Way = ()) -> Iterator[tuple[Way, str]]:
    """Yield each place for a value that the schema *one* knows, with its kind."""
    if way:
        yield way, one["type"]
    for name, inner in (one.get("properties") or {}).items():
        yield from ways(inner, (*way, name))
    for inner in (one.get("patternProperties") or {}).values():
        yield from ways(inner, (*way, "greeter"))
    if isinstance(one.get("additionalProperties"), dict):
        yield from ways(one["additionalProperties"], (*way, "deploy"))
    if "items" in one:
        yield from ways(one["items"], (*way, 0))


WAYS = list(ways({"properties": config_schema.attributes(), "type": "object"}))


def whole() -> dict[str, Any]:
    return copy.deepcopy(EXAMPLE)


def put(values: Any, way: Way, value: Any) -> None:
    for key, following in zip(way, [*way[1:], None], strict=True):
        if isinstance(key, int) and len(values) <= key:
            values.append(None)
        if following is None:
            values[key] = value
        elif not isinstance(values[key] if isinstance(key, int) else values.get(key), (dict, list)):
            values[key] = [] if isinstance(following, int) else {}
        values = values[key]


def named(way: Way) -> str:
    return config_schema.Problem(way, "").name


@pytest.mark.parametrize(("way", "kind"), WAYS, ids=[named(way) for way, _ in WAYS])
def test_a_value_of_every_other_type_is_refused_by_the_name_of_its_key(way, kind):
    fitting = {kind, "integer"} if kind == "number" else {kind}
    for other in SAMPLES.keys() - fitting:
        values = whole()
        put(values, way, SAMPLES[other])

        with pytest.raises(ConfigError) as error:
            config.parse(values)

        assert f"`{named(way)}`" in f"{error.value.message} {error.value.hint}"


VALUES = st.recursive(
    st.booleans() | st.integers(-3, 9) | st.floats(0, 2) | st.sampled_from(["", "a", "deb", "10%"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["url", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.sampled_from(WAYS), VALUES)
@settings(max_examples=400, deadline=None)
def test_what_stackstorm_refuses_is_refused_here_too(place, value):
    values = whole()
    put(values, place[0], value)
    refused = stackstorm.errors(
        values, stackstorm.allow_none(stackstorm.for_parameters(config_schema.attributes()))
    )

    assert not refused or config_schema.problems(values)


def test_every_integer_says_what_is_too_small():
    kinds = [one for one, kind in WAYS if kind == "integer"]
    for way in kinds:
        values = whole()
        put(values, way, -1)

        found = [one for one in config_schema.problems(values) if one.why != "is missing"]
        assert [one.name for one in found] == [named(way)]


def test_seconds_in_words_are_a_sentence():
    values = whole()
    values["projects"]["greeter"]["min_bake_seconds"] = "soon"

    with pytest.raises(ConfigError) as error:
        config.parse(values)

    assert error.value.message == (
        "`projects.greeter.min_bake_seconds` must be a whole number, not 'soon' in the pack's configuration."
    )


@pytest.mark.parametrize(
    ("way", "hint"),
    [
        (("jenkins", "tokenfile"), "`jenkins.tokenfile` is not a key (did you mean `token_file`?)"),
        (("jenkin",), "`jenkin` is not a key (did you mean `jenkins`?)"),
        (("projects", "greeter", "repo"), "did you mean `repository`?"),
        (("consul", "zzz"), "`consul.zzz` is not a key (there are url, token_file"),
    ],
)
def test_a_misspelled_key_is_named_with_the_nearest_right_one(way, hint):
    values = whole()
    put(values, way, "text")

    with pytest.raises(ConfigError) as error:
        config.parse(values)

    assert hint in error.value.message


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    """The pack's configuration as a file where StackStorm has it."""
    monkeypatch.setattr(config_file, "PACK", tmp_path / "packs" / "cicd")
    found = tmp_path / "configs" / "cicd.yaml"
    found.parent.mkdir()
    return found


def test_a_wrong_key_is_named_with_file_and_line(file):
    text = (ROOT / "cicd.yaml.example").read_text().replace("min_bake_seconds: 600", "min_bake_seconds: soon")
    file.write_text(text)
    line = 1 + text.splitlines().index("  min_bake_seconds: soon")

    with pytest.raises(ConfigError, match=f"deploy.min_bake_seconds.*{file}, line {line}\\."):
        config.parse(yaml.safe_load(text))


def test_a_missing_key_is_named_with_the_line_of_its_section(file):
    text = "---\nconsul: {}\njenkins:\n  user: cicd\n"
    file.write_text(text)

    with pytest.raises(ConfigError, match=f"`jenkins.url` is missing in {file}, line 3"):
        config.parse(yaml.safe_load(text))


def test_invalid_yaml_is_said_with_file_and_line(file):
    file.write_text("jenkins:\n  url: http://a\n wrong: [1,\nprojects: {}\n")

    with pytest.raises(ConfigError) as error:
        config.parse({})

    assert f"{file}, line 3" in error.value.message
    assert "is not YAML" in error.value.message


def test_an_empty_file_is_a_configuration_in_which_everything_is_missing(file):
    file.write_text("")

    with pytest.raises(ConfigError, match=r"`jenkins.url` is missing"):
        config.parse({})


def test_the_schema_is_parsed_once_and_again_when_its_file_has_changed(tmp_path, monkeypatch):
    parsed: list[str] = []
    load = yaml.load
    monkeypatch.setattr(yaml, "load", lambda text, kind: (parsed.append(text), load(text, kind))[1])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(config_schema, "PACK", tmp_path)

    file, read = tmp_path / "config.schema.yaml", config_schema.attributes.__wrapped__
    file.write_text("a: {type: string}")

    assert read() == read() == {"a": {"type": "string"}}
    assert len(parsed) == 1
    file.write_text("a: {type: integer}")
    assert read() == {"a": {"type": "integer"}}
