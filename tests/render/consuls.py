"""A Consul as a template sees it, without one: the JSON that it would have, by path."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from render.catalogue import Catalogue
from render.job import Vars
from render.template import Templates
from render.words import trusted

Answers = Mapping[str, object]
TEMPLATES = Templates()


def key(name: str, value: str) -> dict[str, str]:
    return {"Key": name, "Value": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}


def tree(folder: str, values: Mapping[str, str]) -> dict[str, object]:
    """Return the answer about the keys *values* in *folder*, by its path."""
    return {f"kv/{folder}/?recurse": [key(f"{folder}/{name}", value) for name, value in values.items()]}


def instance(node: str, service: str, port: int, *tags: str, **meta: str) -> dict[str, object]:
    described = {"ID": service, "Address": "", "Port": port, "Tags": list(tags), "Meta": meta}
    return {"Node": {"Node": node, "Address": "10.0.0.1"}, "Service": described}


def catalogue(answers: Answers) -> Catalogue:
    return Catalogue(answers.get)


def write(folder: Path, text: str) -> str:
    """Write a template, and return its path."""
    (folder / "one.j2").write_text(text)
    return str(folder / "one.j2")


def render(template: str, answers: Answers, **own: object) -> str:
    values = trusted(own)
    assert isinstance(values, dict)
    return TEMPLATES.render(template, catalogue(answers), {"vars": Vars(values), "node": "lb1"})
