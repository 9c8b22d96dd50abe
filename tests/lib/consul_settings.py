"""The pack's configuration for a Consul of the tests."""

import copy
from pathlib import Path
from typing import Any

import yaml

from cicd import config

EXAMPLE = Path(__file__).parents[2] / "cicd.yaml.example"


def settings(url: str, **sections: Any) -> config.Settings:
    values = copy.deepcopy(yaml.safe_load(EXAMPLE.read_text()))
    return config.parse({**values, "consul": {"url": url}, **sections})
