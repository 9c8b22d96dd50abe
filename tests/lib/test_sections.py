"""Each section of the configuration is typed as config.schema.yaml describes it."""

import typing
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml

from cicd import config, config_schema, sections
from cicd.machine_providers import Provider

ROOT = Path(__file__).parents[2]
TYPES = {"string": str, "integer": int, "boolean": bool, "array": tuple[str, ...]}
OBJECTS = {
    "providers": typing.Mapping[str, Provider],
    "applications": typing.Mapping[str, typing.Mapping[str, Any]],
}
SCHEMA = {name: one for name, one in config_schema.attributes().items() if "properties" in one}


def example(**more: Any) -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / "cicd.yaml.example").read_text()), **more}


def test_the_schemas_sections_are_the_settings_sections():
    hints = get_type_hints(config.Settings)

    assert {name: hints[name] for name in SCHEMA} == sections.KINDS


@pytest.mark.parametrize("name", SCHEMA)
def test_a_section_has_the_schemas_keys_and_types_and_no_default_of_its_own(name):
    kind, properties = sections.KINDS[name], SCHEMA[name]["properties"]

    assert get_type_hints(kind) == {
        key: OBJECTS[key] if one["type"] == "object" else TYPES[one["type"]]
        for key, one in properties.items()
    }
    assert not vars(kind).keys() & properties.keys()


@pytest.mark.parametrize("name", SCHEMA)
def test_a_key_has_a_default_or_must_be_given(name):
    properties = SCHEMA[name]["properties"].items()

    assert [key for key, one in properties if ("default" in one) == bool(one.get("required"))] == []


@pytest.mark.parametrize("deploy", [None, {}, {"batches": None}])
def test_a_key_that_is_not_given_or_null_has_the_schemas_default(deploy):
    found = config.parse(example(deploy=deploy)).deploy

    assert vars(found) == {
        key: tuple(one["default"]) if one["type"] == "array" else one["default"]
        for key, one in SCHEMA["deploy"]["properties"].items()
    }


def test_a_given_key_is_kept_and_cannot_be_changed():
    found = config.parse(example(deploy={"lost_after": 90, "auto_rollback": False, "batches": ["2"]})).deploy

    assert (found.lost_after, found.auto_rollback, found.batches) == (90, False, ("2",))
    with pytest.raises(FrozenInstanceError):
        found.lost_after = 1
