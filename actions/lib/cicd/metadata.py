"""The project's contract: its three scripts and fpm.json. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping

from cicd.errors import ProjectError
from cicd.text import one_line
from cicd.version import UPSTREAM, package_name

ABSOLUTE_PATH = r"/(?!.*(?:^|/)\.\.?(?:/|$))[A-Za-z0-9._+@/-]*[A-Za-z0-9._+@-]"
RELATIVE_PATH = r"(?!.*(?:^|/)\.\.?(?:/|$))[A-Za-z0-9._+@-][A-Za-z0-9._+@/-]*"
DEPENDENCY = r"[a-z0-9][a-z0-9.+-]*(?::[a-z0-9-]+)?(?: ?\((?:<<|<=|=|>=|>>) ?[A-Za-z0-9.+:~-]+\))?"

TEXTS = {
    "name": r"[a-z0-9][a-z0-9.+-]+",
    "version": UPSTREAM.pattern,
    "maintainer": r"[^$\x00-\x1f{}%]{1,200}",
    "license": r"[A-Za-z0-9.+() -]{1,100}",
    "architecture": r"all|amd64|arm64|armhf|i386|ppc64el|riscv64|s390x",
    "prefix": ABSOLUTE_PATH,
    "user": r"[a-z_][a-z0-9_-]{0,31}",
    "unit": RELATIVE_PATH.replace(r"[A-Za-z0-9._+@/-]*", r"[A-Za-z0-9._+@/-]*\.service"),
    "after_install": RELATIVE_PATH,
}
LISTS = {
    "depends": rf"{DEPENDENCY}(?: ?\| ?{DEPENDENCY})*",
    "directories": ABSOLUTE_PATH,
    "conffiles": ABSOLUTE_PATH,
}
SCRIPTS = {
    "script/cisetup": "it prepares the tests",
    "script/cibuild": "it runs the tests",
}
HOOKS = ("script/post-inst", "script/post-install")


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
    depends: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    conffiles: tuple[str, ...] = ()


def read(project: str, commit: str, fpm_json: str | None, scripts: Mapping[str, str]) -> Metadata:
    """
    Return the metadata of *project*, or raise ProjectError with every problem found.

    *fpm_json* is the file's text, None when it is missing; *scripts* says per path
    `executable`, `not executable`, `missing` or what else is wrong with it.
    """
    problems = _script_problems(scripts)
    values: Mapping[str, Any] = {}
    if fpm_json is None:
        problems.append("fpm.json is missing: add it with at least `version` and `description`")
    else:
        values, found = _parse(fpm_json)
        problems += found
    hook = str(
        values.get("after_install") or next((h for h in HOOKS if scripts.get(h) != "missing"), HOOKS[0])
    )
    if problems:
        raise ProjectError(
            f"{project} at {commit[:7]} breaks the project contract: {'; '.join(problems)}.",
            "Correct the named files and push again.",
            problems=problems,
        )
    return _metadata(project, values, hook)


def _metadata(project: str, values: Mapping[str, Any], hook: str) -> Metadata:
    optional: dict[str, Any] = {
        key: values[key] for key in ("license", "architecture", "user", "unit") if key in values
    }
    lists: dict[str, Any] = {key: tuple(values.get(key, ())) for key in LISTS}
    return Metadata(
        name=values.get("name") or package_name(project),
        version=values["version"],
        description=one_line(values["description"], 500).replace("$", ""),
        maintainer=values.get("maintainer") or f"{project} <{package_name(project)}@localhost>",
        prefix=values.get("prefix") or f"/opt/{project}",
        hook=hook,
        **optional,
        **lists,
    )


def _script_problems(scripts: Mapping[str, str]) -> list[str]:
    problems = [
        f"{path} is {scripts.get(path, 'missing')}: {why}, make it an executable file"
        for path, why in SCRIPTS.items()
        if scripts.get(path) != "executable"
    ]
    if not any(scripts.get(hook) == "executable" for hook in HOOKS):
        problems.append(f"{HOOKS[0]} is {scripts.get(HOOKS[0], 'missing')}: it runs after every installation")
    if scripts.get("submodules") == "present":
        problems.append(".gitmodules: submodules are not supported, vendor the code")
    if scripts.get("lfs") == "present":
        problems.append(".gitattributes: Git LFS is not supported, publish large files elsewhere")
    return problems


def _parse(text: str) -> tuple[dict[str, Any], list[str]]:
    try:
        values = json.loads(text)
    except ValueError as error:
        return {}, [
            f"fpm.json line {getattr(error, 'lineno', 1)} is not JSON: {getattr(error, 'msg', error)}"
        ]
    if not isinstance(values, dict):
        return {}, ["fpm.json must be an object"]
    checked = [_problem(key, value, _line(text, key)) for key, value in values.items()]
    missing = [f"fpm.json has no `{key}`" for key in ("version", "description") if key not in values]
    return values, [problem for problem in checked if problem] + missing


def _problem(key: str, value: object, line: int) -> str:
    if key == "description":
        return (
            ""
            if isinstance(value, str) and value.strip()
            else f"fpm.json line {line}: `description` is empty"
        )
    if key in TEXTS:
        fits = isinstance(value, str) and re.fullmatch(TEXTS[key], value)
        return "" if fits else f"fpm.json line {line}: `{key}` must match ^{TEXTS[key]}$"
    if key in LISTS:
        fits_all = isinstance(value, list) and all(
            isinstance(item, str) and re.fullmatch(LISTS[key], item) for item in value
        )
        return "" if fits_all else f"fpm.json line {line}: `{key}` must be a list of ^{LISTS[key]}$"
    return f"fpm.json line {line}: `{one_line(key, 40)}` is not known; known are {', '.join(_known())}"


def _known() -> list[str]:
    return sorted([*TEXTS, *LISTS, "description"])


def _line(text: str, key: str) -> int:
    found = re.search(rf"{re.escape(json.dumps(key))}\s*:", text)
    return text[: found.start()].count("\n") + 1 if found else 1
