"""The pack's configuration for a Consul of the tests."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cicd import config

EXAMPLE = Path(__file__).parents[2] / "cicd.yaml.example"


def settings(url: str, **sections: Any) -> config.Settings:
    values = copy.deepcopy(yaml.safe_load(EXAMPLE.read_text()))
    return config.parse({**values, "consul": {"url": url}, **sections})


def changed(known: config.Settings, section: str, **values: Any) -> config.Settings:
    """Return *known* with other *values* in one section, also those that the schema refuses."""
    return replace(known, **{section: replace(getattr(known, section), **values)})
