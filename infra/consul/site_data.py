"""A site's data file, and the folder of files that it names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from infra.consul.refusal import Refusal

SCHEMA = Path(__file__).parents[1] / "site.schema.json"
MANAGEMENT = "consul/management.token"


@dataclass(frozen=True)
class Site:
    """The data of the file *path*."""

    path: Path
    data: Mapping[str, Any]

    @property
    def files(self) -> Path:
        return Path(self.data["files"])

    @property
    def consul(self) -> Mapping[str, Any]:
        return dict(self.data["consul"])

    @property
    def hosts(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.data["hosts"])

    def with_role(self, role: str) -> list[str]:
        """Return the names of the hosts that have *role*."""
        return [name for name, host in self.hosts.items() if role in host["roles"]]

    def own(self, text: str, host: str) -> str:
        """Return *text* as it counts for *host*."""
        return text.replace("{host}", host).replace("{address}", self.hosts[host]["address"])

    def config(self, role: str, host: str) -> Mapping[str, Any]:
        """Return the configuration that *host* gets for *role*."""
        path = self.files / self.own(self.data[role]["config_file"], host)
        found = _yaml(path)
        if not isinstance(found, dict):
            raise Refusal(f"{path} does not map keys to values. Correct it, then try again.")
        return found


def read(path: Path) -> Site:
    """Return the site of the data file *path*."""
    found = _yaml(path)
    for wrong in Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(found):
        why = wrong.schema["description"] if wrong.validator == "not" else wrong.message
        raise Refusal(f"{path} is wrong at {wrong.json_path}: {why}")
    site = Site(path, found["cicd"])
    _refuse_unknown(site)
    if "tokens" not in site.consul:
        raise Refusal(
            f"{path} has no `tokens` in `consul`: its Consul has no ACLs. Add them as in infra/site.yaml."
        )
    return site


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Refusal(
            f"{path} cannot be read ({error}). Write it as docs/machines.md says, then try again."
        ) from None


def _refuse_unknown(site: Site) -> None:
    for name in site.consul["servers"]:
        if name not in site.hosts:
            raise Refusal(f"{site.path}: the server {name} of Consul is not in `hosts`. Correct either.")
    for host, values in site.hosts.items():
        for project in values.get("projects", {}):
            if project not in site.data["projects"]:
                raise Refusal(
                    f"{site.path}: {project}, which {host} runs, is not in `projects`. Correct either."
                )
