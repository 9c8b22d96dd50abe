"""The project's contract: its scripts and fpm.json together. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from cicd import fpm_json
from cicd.errors import ProjectError
from cicd.fpm_json import FIELDS, LISTS
from cicd.text import one_line
from cicd.version import package_name

SCRIPTS = {
    "script/cisetup": "it prepares the tests",
    "script/cibuild": "it runs the tests",
}
HOOKS = ("script/post-inst", "script/post-install")
# The package's files are not there when these run.
EMBEDDED_HOOKS = ("before_install", "after_remove", "after_purge")
NAMED_SCRIPTS = (*EMBEDDED_HOOKS, "after_install", "before_remove")
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
    """Return the paths in the repository whose state `read` must be told, as far as fpm.json names them."""
    values, _ = fpm_json.parse(text)
    named = [values[key] for key in (*NAMED_SCRIPTS, "unit") if key in values]
    config = _inside(values.get("conffiles", ()), values.get("prefix", f"/opt/{project}"))
    return list(dict.fromkeys([*SCRIPTS, *HOOKS, *named, *config.values()]))


def read(project: str, commit: str, text: str | None, states: Mapping[str, str]) -> Metadata:
    """
    Return the metadata of *project*, or raise ProjectError with every problem found.

    *text* is fpm.json, None when it is missing; *states* says of each path of `paths`
    `executable`, `not executable`, `missing` or what else is wrong with it, and whether
    `submodules` and `lfs` are `present`.
    """
    values, problems = fpm_json.parse(text)
    problems = _script_problems(values, states) + problems + _file_problems(project, values, states)
    name = values.get("name") or package_name(project)
    if not re.fullmatch(FIELDS["name"].pattern, name):
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
    lists: dict[str, Any] = {key: tuple(values.get(key, ())) for key in LISTS}
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
    return problems + [said for key, said in UNSUPPORTED.items() if states.get(key) == "present"]


def _file_problems(project: str, values: Mapping[str, Any], states: Mapping[str, str]) -> list[str]:
    prefix = values.get("prefix", f"/opt/{project}")
    config = _inside(values.get("conffiles", ()), prefix)
    outside = [path for path in values.get("conffiles", ()) if path not in config]
    problems = [f"fpm.json: `conffiles` names {path}, which is not below {prefix}" for path in outside]
    files = {path: f"`conffiles` names {full}" for full, path in config.items()}
    if "unit" in values:
        files[values["unit"]] = "`unit` names it"
    return problems + [
        f"{path} is {states.get(path, 'missing')}: fpm.json's {why}, it must be a file of the repository"
        for path, why in files.items()
        if states.get(path) not in ("executable", "not executable")
    ]


def _inside(conffiles: Any, prefix: str) -> dict[str, str]:
    """Return the paths in the repository of those *conffiles* that lie below *prefix*, by full path."""
    below = prefix.rstrip("/") + "/"
    return {path: path[len(below) :] for path in conffiles if path.startswith(below)}
