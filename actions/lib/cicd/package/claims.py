"""What a project's fpm.json would take of a host that is not its own. Pure."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Iterator

from cicd.allowed import Allowed
from cicd.package.declared import Declared
from cicd.package.fields import RELATIONS
from cicd.package.files import File
from cicd.package.shape import Problem, Where

SYSTEMD = re.compile(r"/(?:usr/lib|lib|etc)/systemd/.*")


def problems(declared: Declared, allowed: Allowed) -> Iterator[Problem]:
    """Yield each field that would take what is not the project's, and what to write instead."""
    may = f"an operator allows more by `projects.{declared.project}.allowed` in the configuration"
    found = [*_folders(declared, allowed), *_users(declared, allowed)]
    found += [*_units(declared, allowed), *_relations(declared, allowed)]
    for number, file in enumerate(declared.entries):
        found += _file(declared, file, number, allowed)
    return ((where, f"{said}; {may}") for where, said in found)


def _folders(declared: Declared, allowed: Allowed) -> Iterator[Problem]:
    project, values = declared.project, declared.values
    paths: list[tuple[Where, str]] = [(("prefix",), values["prefix"])] if "prefix" in values else []
    paths += [(("directories", number), path) for number, path in enumerate(values.get("directories", ()))]
    for where, path in paths:
        if not allowed.path(project, path):
            yield where, f"`{where[0]}` names {path}: take one below /opt or /srv, or as /var/lib/{project}"


def _users(declared: Declared, allowed: Allowed) -> Iterator[Problem]:
    values = declared.values
    named: list[tuple[Where, str]] = [(("user",), values["user"])] if "user" in values else []
    for number, file in enumerate(declared.entries):
        owners = {"owner": file.owner, "group": file.group}
        named += [(("files", number, key), name) for key, name in owners.items() if name != "root"]
    for where, name in named:
        if not allowed.user(name):
            yield where, f"`{where[-1]}` is {name}, a user of the system: name your own user, or none"


def _units(declared: Declared, allowed: Allowed) -> Iterator[Problem]:
    project = declared.project
    for where, said in declared.units():
        unit = said["path"].rpartition("/")[2]
        if not allowed.unit(project, unit):
            kind = unit.rpartition(".")[2]
            yield where, f"`{where[0]}` is {unit}: call it {project}.{kind}, or let it begin with {project}-"


def _file(declared: Declared, file: File, number: int, allowed: Allowed) -> Iterator[Problem]:
    project, package = declared.project, declared.name
    path = file.path.rstrip("/")
    if not allowed.file(project, package, path):
        own = f"take one of the project's, such as /opt/{project}, /etc/{project} or /usr/bin/{project}"
        other = "bring units by `units`" if SYSTEMD.fullmatch(path) else own
        yield ("files", number, "destination"), f"`files` would bring {file.destination}: {other}"
    if file.mode and not allowed.mode(file.mode):
        rights = "lets everyone write" if int(file.mode, 8) & 2 else "gives the rights of its owner or group"
        yield (
            ("files", number, "mode"),
            f"`mode` {file.mode} of {file.destination} {rights}: take 0644 or 0755",
        )


def _relations(declared: Declared, allowed: Allowed) -> Iterator[Problem]:
    own = allowed.packages_of(declared.project, declared.name)
    for key in RELATIONS:
        for number, said in enumerate(declared.values.get(key, ())):
            name = name_of(said)
            if not any(fnmatchcase(name, pattern) for pattern in own):
                yield (key, number), f"`{key}` names {name}, which is not a package of this project"


def name_of(dependency: str) -> str:
    """Return the name of the package in *dependency*: `greeter` of `greeter:any (>= 2)`."""
    return re.split(r"[ :(]", dependency)[0]
