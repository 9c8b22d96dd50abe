"""The project's contract: its scripts and fpm.json together. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from cicd.allowed import NOTHING_MORE, Allowed
from cicd.errors import ProjectError
from cicd.package import contents, fpm_json
from cicd.package.fields import FIELDS, LISTS
from cicd.package.shape import Problem, Where
from cicd.release.version import package_name
from cicd.sanitize import one_line

SCRIPTS = {
    "script/cisetup": "it prepares the tests",
    "script/cibuild": "it runs the tests",
}
HOOKS = ("script/post-inst", "script/post-install")
# The package's files are not there when these run.
EMBEDDED_HOOKS = ("before_install", "after_remove", "after_purge")
NAMED_SCRIPTS = (*EMBEDDED_HOOKS, "after_install", "before_remove")
# What `read_states` says of the whole tree, and why no package can hold it.
UNPACKABLE = {
    "newline": "dpkg takes no name with a newline",
    "long": "dpkg takes no name of more than 246 bytes",
    "target": "a symbolic link's target has no newline",
}
UNSUPPORTED = {
    "submodules": ".gitmodules: submodules are not supported, vendor the code",
    "lfs": ".gitattributes: Git LFS is not supported, publish large files elsewhere",
}


@dataclass(frozen=True)
class Metadata:
    """What fpm.json says, completed with the pipeline's defaults."""

    name: str
    version: str
    description: str
    maintainer: str
    prefix: str
    hook: str
    license: str = "unknown"
    architecture: str = "all"
    user: str = ""
    unit: str = ""
    before_install: str = ""
    before_remove: str = ""
    after_remove: str = ""
    after_purge: str = ""
    depends: tuple[str, ...] = ()
    rpm_depends: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    conffiles: tuple[str, ...] = ()


def paths(text: str | None, project: str) -> list[str]:
    """
    Return the paths in the repository of which `read` must be told the state, as far as fpm.json names them.

    Of `:path` it must be told the content.
    """
    values, _ = fpm_json.parse(text)
    prefix = values.get("prefix", f"/opt/{project}")
    hooks = [values[key] for key in (*NAMED_SCRIPTS, "unit") if key in values]
    named = [*_inside(values.get("conffiles", ()), prefix).values()]
    named += [*_inside(values.get("directories", ()), prefix).values(), "REVISION"]
    said = [f":{path}" for path in (*HOOKS, *hooks)]
    return list(dict.fromkeys([*SCRIPTS, *HOOKS, *hooks, *named, *said]))


def read(
    project: str, commit: str, text: str | None, states: Mapping[str, str], allowed: Allowed = NOTHING_MORE
) -> Metadata:
    """
    Return the metadata of *project*, or raise ProjectError with every problem found.

    *text* is fpm.json, None when it is missing; *states* says of each path of `paths`
    `executable`, `not executable`, `missing` or what else is wrong with it, of `content:path` the
    content in base64, and whether `submodules` and `lfs` are `present`. *allowed* is what the
    operator lets this project take of its hosts.
    """
    values, problems = fpm_json.parse(text)
    problems = _script_problems(values, states) + problems + _file_problems(project, values, states)
    problems += [fpm_json.at(text, where, said) for where, said in _claims(project, values, allowed)]
    problems += _content_problems(project, values, states, allowed)
    name = values.get("name") or package_name(project)
    if any(FIELDS["name"].shape.problems(name, ())):
        problems.append(f"fpm.json has no `name`, and {name} is none for a Debian package: add one")
    if problems:
        raise ProjectError(
            f"{project} at {commit[:7]} breaks the project contract: {'; '.join(problems)}.",
            "Correct the named files and push again; docs/project.md lists every field.",
            problems=problems,
        )
    return _metadata(project, name, values, states)


def _metadata(project: str, name: str, values: Mapping[str, Any], states: Mapping[str, str]) -> Metadata:
    same = ("license", "architecture", "user", "unit", "before_remove", *EMBEDDED_HOOKS)
    optional: dict[str, Any] = {key: values[key] for key in same if key in values}
    lists: dict[str, Any] = {key: tuple(dict.fromkeys(values.get(key, ()))) for key in LISTS}
    return Metadata(
        name=name,
        version=values["version"],
        description=one_line(values["description"], 500).replace("$", ""),
        maintainer=values.get("maintainer") or f"{project} <{package_name(project)}@localhost>",
        prefix=values.get("prefix") or f"/opt/{project}",
        hook=_hook(values, states),
        **optional,
        **lists,
    )


def _hook(values: Mapping[str, Any], states: Mapping[str, str]) -> str:
    present = [hook for hook in HOOKS if states.get(hook, "missing") != "missing"]
    return str(values.get("after_install") or [*present, HOOKS[0]][0])


def _script_problems(values: Mapping[str, Any], states: Mapping[str, str]) -> list[str]:
    wanted = {**SCRIPTS, _hook(values, states): "it runs after every installation"}
    wanted.update({values[key]: f"it is `{key}`" for key in NAMED_SCRIPTS if key in values})
    problems = [
        f"{path} is {states.get(path, 'missing')}: {why}, make it an executable file"
        for path, why in wanted.items()
        if states.get(path) != "executable"
    ]
    for key, why in UNPACKABLE.items():
        names = [name for name in _decoded(states, f"tree:{key}").split(b"\0") if name]
        problems += [
            f"{one_line(ascii(name.decode(errors='replace')), 120)}: {why}, rename it" for name in names
        ]
    return problems + [said for key, said in UNSUPPORTED.items() if states.get(key) == "present"]


def _file_problems(project: str, values: Mapping[str, Any], states: Mapping[str, str]) -> list[str]:
    prefix = values.get("prefix", f"/opt/{project}")
    config = _inside(values.get("conffiles", ()), prefix)
    outside = [path for path in values.get("conffiles", ()) if path not in config]
    problems = [f"fpm.json: `conffiles` names {path}, which is not below {prefix}" for path in outside]
    inside = _inside(values.get("directories", ()), prefix)
    problems += [
        f"fpm.json: `directories` names {full}, which is a file or behind a symbolic link in the repository"
        for full, path in inside.items()
        if states.get(path) not in ("missing", "directory")
    ]
    if states.get("REVISION") == "directory":
        problems.append("REVISION is a directory: every package has a file of this name, rename it")
    files = {path: f"`conffiles` names {full}" for full, path in config.items()}
    if "unit" in values:
        files[values["unit"]] = "`unit` names it"
    return problems + [
        f"{path} is {states.get(path, 'missing')}: fpm.json's {why}, it must be a file of the repository"
        for path, why in files.items()
        if states.get(path) not in ("executable", "not executable")
    ]


def _claims(project: str, values: Mapping[str, Any], allowed: Allowed) -> Iterator[Problem]:
    """Yield each field by which the project would take what is not its own of a host, and what is wrong."""
    may = f"an operator allows more by `projects.{project}.allowed` in the configuration"
    paths: list[tuple[Where, str]] = [(("prefix",), values["prefix"])] if "prefix" in values else []
    paths += [(("directories", number), path) for number, path in enumerate(values.get("directories", ()))]
    for where, path in paths:
        if not allowed.path(project, path):
            yield (
                where,
                f"`{where[0]}` names {path}: take one below /opt or /srv, or as /var/lib/{project}; {may}",
            )
    if "user" in values and not allowed.user(values["user"]):
        yield (
            ("user",),
            f"`user` is {values['user']}, a user of the system: take one of your own, or none; {may}",
        )
    unit = values.get("unit", "").rpartition("/")[2]
    if unit.endswith("@.service"):
        yield (
            ("unit",),
            f"`unit` is {unit}, a template, which runs only as an instance: bring {project}.service",
        )
    elif unit and not allowed.unit(project, unit):
        yield (
            ("unit",),
            f"`unit` is {unit}: call it {project}.service, or let it begin with {project}-; {may}",
        )


def _content_problems(
    project: str, values: Mapping[str, Any], states: Mapping[str, str], allowed: Allowed
) -> list[str]:
    prefix, depends = values.get("prefix", f"/opt/{project}"), values.get("depends", ())
    hooks = {key: values[key] for key in NAMED_SCRIPTS if key in values}
    hooks["after_install"] = _hook(values, states)
    problems = [
        problem
        for name, path in hooks.items()
        if states.get(path) == "executable"
        for problem in contents.hook_problems(
            name, path, _decoded(states, f"content:{path}"), prefix, depends
        )
    ]
    unit = values.get("unit", "")
    if states.get(unit) in ("executable", "not executable"):
        content = _decoded(states, f"content:{unit}")
        problems += contents.unit_problems(unit, content, lambda name: allowed.unit(project, name))
    return problems


def _decoded(states: Mapping[str, str], key: str) -> bytes:
    return base64.b64decode(states.get(key, ""))


def _inside(conffiles: Any, prefix: str) -> dict[str, str]:
    """Return the paths in the repository of those *conffiles* that lie below *prefix*, by full path."""
    below = prefix.rstrip("/") + "/"
    return {path: path[len(below) :] for path in conffiles if path.startswith(below)}
