"""A site's data file as an inventory: hosts, a group for each role, and the data as the variable `cicd`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from jsonschema import Draft202012Validator, ValidationError

DOCUMENTATION = """
name: site
short_description: reads site.yaml, which infra/site.schema.json describes
description: >-
  Each host is in the group of each of its roles. In its variable `cicd`, which is the data, {host} and
  {address} are its own. Its key has to be in the site's known_hosts.
options: {}
"""
SCHEMA = Path(__file__).parents[2] / "site.schema.json"


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """What `ansible-playbook -i site.yaml` reads."""

    NAME = "cicd.hosts.site"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(".yaml")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        site = checked(path)
        for name, host in site["hosts"].items():
            inventory.add_host(name)
            for role in host["roles"]:
                inventory.add_group(role)
                inventory.add_child(role, name)
            for key, value in variables(site, name).items():
                inventory.set_variable(name, key, value)


def checked(path: str) -> dict[str, Any]:
    """Return the data in the file *path*; AnsibleParserError says what is wrong with it."""
    try:
        site = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise AnsibleParserError(f"{path} cannot be read: {error}") from None
    schema = Draft202012Validator(json.loads(SCHEMA.read_text()))
    for wrong in sorted(schema.iter_errors(site), key=lambda one: not has_moved(one)):
        why = wrong.schema["description"] if has_moved(wrong) else wrong.message
        raise AnsibleParserError(f"{path} is wrong at {wrong.json_path}: {why}")
    return dict(site["cicd"])


def has_moved(wrong: ValidationError) -> bool:
    """Whether *wrong* is about a key that the schema has only to say where it is now."""
    return bool(wrong.validator == "not")


def variables(site: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the variables of the host *name*."""
    host = site["hosts"][name]
    known = f"{site['files']}/{site['ssh']['known_hosts_file']}"
    options = f'-o UserKnownHostsFile="{known}" -o StrictHostKeyChecking=yes'
    return {
        "ansible_host": host["address"],
        "ansible_port": site["ssh"]["port"],
        "ansible_ssh_common_args": options,
        "ansible_python_interpreter": "/usr/bin/python3",
        "cicd": own(site, {"{host}": name, "{address}": host["address"]}),
    }


def own(value: Any, words: dict[str, str]) -> Any:
    """Return *value* with each of *words*, wherever it stands, replaced by what it stands for."""
    if isinstance(value, dict):
        return {key: own(one, words) for key, one in value.items()}
    if isinstance(value, list):
        return [own(one, words) for one in value]
    if isinstance(value, str):
        for word, meaning in words.items():
            value = value.replace(word, meaning)
    return value
