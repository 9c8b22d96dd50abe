"""The project's contract: its scripts and fpm.json together. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from cicd.allowed import NOTHING_MORE, Allowed
from cicd.errors import ProjectError
from cicd.package import claims, contents, files, fpm_json, unit
from cicd.package.fields import FIELDS, LISTS, RELATIONS
from cicd.package.files import File
from cicd.package.shape import Problem, Where
from cicd.package.unit import Unit
from cicd.release.version import package_name
from cicd.sanitize import one_line

SCRIPTS = {
    "script/cisetup": "it prepares the tests",
    "script/cibuild": "it runs the tests",
}
HOOKS = ("script/post-inst", "script/post-install")
BUILD = "script/build"
# The package's files are not there when these run.
EMBEDDED_HOOKS = ("before_install", "after_remove", "after_purge")
NAMED_SCRIPTS = (*EMBEDDED_HOOKS, "after_install", "before_remove")
SAME = (
    *("license", "section", "priority", "architecture", "user", "environment", "before_remove"),
    *EMBEDDED_HOOKS,
)
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
    section: str = "misc"
    priority: str = "optional"
    architecture: str = "all"
    user: str = ""
    environment: str = ""
    build: str = ""
    before_install: str = ""
    before_remove: str = ""
    after_remove: str = ""
    after_purge: str = ""
    units: tuple[Unit, ...] = ()
    files: tuple[File, ...] = ()
    exclude: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    pre_depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    rpm_depends: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    conffiles: tuple[str, ...] = ()

    @property
    def related(self) -> list[str]:
        """Names of other packages that this one would stand for, or exclude."""
        names = (claims.name_of(said) for key in RELATIONS for said in getattr(self, key))
        return list(dict.fromkeys(name for name in names if name != self.name))


def from_json(values: Mapping[str, Any]) -> Metadata:
    """Return the metadata of which `asdict` made *values*; KeyError or TypeError when it did not."""
    lists: dict[str, Any] = {key: tuple(values[key]) for key in LISTS}
    units = (Unit(**{**one, "names": tuple(one["names"])}) for one in lists["units"])
    lists.update(units=tuple(units), files=tuple(File(**one) for one in lists["files"]))
    return Metadata(**{**values, **lists})


def paths(text: str | None, project: str) -> list[str]:
    """
    Return the paths in the repository of which `read` must be told the state, as far as fpm.json names them.

    Of `:path` it must be told the content.
    """
    values, _ = fpm_json.parse(text)
    prefix = values.get("prefix", f"/opt/{project}")
    hooks = [values[key] for key in (*NAMED_SCRIPTS, "environment") if key in values]
    hooks += [said["path"] for _, said in _units(values)]
    named = [*_inside(values.get("conffiles", ()), prefix).values()]
    named += [*_inside(values.get("directories", ()), prefix).values(), "REVISION", BUILD]
    named += [said["source"] for said in values.get("files", ()) if "source" in said]
    said = [f":{path}" for path in (*HOOKS, *hooks)]
    build = values.get("build", BUILD)
    return list(dict.fromkeys([*SCRIPTS, *HOOKS, *hooks, build, *named, *said]))


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
    name = values.get("name") or package_name(project)
    if any(FIELDS["name"].shape.problems(name, ())):
        problems.append(f"fpm.json has no `name`, and {name} is none for a Debian package: add one")
    entries = [files.read(said) for said in values.get("files", ())]
    said = list(claims.problems(project, name, values, list(_units(values)), entries, allowed))
    said += [p for number, file in enumerate(entries) for p in files.problems(file, ("files", number))]
    said += [*_lent(project, values, entries, states), *_twice(name, values, entries)]
    said += _unit_problems(project, values, states, allowed)
    # What a build makes is known when it has run.
    said += () if _build(values, states) else files.missing(entries, states)
    problems = _script_problems(values, states) + problems + _file_problems(project, values, states)
    problems += [fpm_json.at(text, where, sentence) for where, sentence in said]
    problems += _content_problems(project, values, states, allowed)
    if problems:
        raise ProjectError(
            f"{project} at {commit[:7]} breaks the project contract: {'; '.join(problems)}.",
            "Correct the named files and push again; docs/project.md lists every field.",
            problems=problems,
        )
    return _metadata(project, name, values, entries, states)


def _metadata(
    project: str, name: str, values: Mapping[str, Any], entries: list[File], states: Mapping[str, str]
) -> Metadata:
    optional: dict[str, Any] = {key: values[key] for key in SAME if key in values}
    texts = (key for key in LISTS if key not in ("files", "units"))
    lists: dict[str, Any] = {key: tuple(dict.fromkeys(values.get(key, ()))) for key in texts}
    units = [unit.read(said, _content(states, said["path"])) for _, said in _units(values)]
    return Metadata(
        name=name,
        version=values["version"],
        description=one_line(values["description"], 500).replace("$", ""),
        maintainer=values.get("maintainer") or f"{project} <{package_name(project)}@localhost>",
        prefix=values.get("prefix") or f"/opt/{project}",
        hook=_hook(values, states),
        units=tuple(unit.ordered(units)),
        files=tuple(entries),
        build=_build(values, states),
        **optional,
        **lists,
    )


def _units(values: Mapping[str, Any]) -> Iterator[tuple[Where, dict[str, Any]]]:
    """Yield where each unit is named, and what is said of it; `unit` always starts and restarts."""
    if "unit" in values:
        yield ("unit",), {"path": values["unit"], "start": True, "on_upgrade": "restart"}
    yield from ((("units", number), said) for number, said in enumerate(values.get("units", ())))


def _hook(values: Mapping[str, Any], states: Mapping[str, str]) -> str:
    present = [hook for hook in HOOKS if states.get(hook, "missing") != "missing"]
    return str(values.get("after_install") or [*present, HOOKS[0]][0])


def _build(values: Mapping[str, Any], states: Mapping[str, str]) -> str:
    present = states.get(BUILD, "missing") != "missing"
    return str(values.get("build") or (BUILD if present else ""))


def _script_problems(values: Mapping[str, Any], states: Mapping[str, str]) -> list[str]:
    wanted = {**SCRIPTS, _hook(values, states): "it runs after every installation"}
    wanted.update({values[key]: f"it is `{key}`" for key in NAMED_SCRIPTS if key in values})
    if build := _build(values, states):
        wanted[build] = "it makes what is packaged"
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
    made = states.get(_build(values, states)) == "executable"
    named = {} if made else {path: f"`conffiles` names {full}" for full, path in config.items()}
    named.update({said["path"]: f"`{where[0]}` names it" for where, said in _units(values)})
    if "environment" in values:
        named[values["environment"]] = "`environment` names it"
    return problems + [
        f"{path} is {states.get(path, 'missing')}: fpm.json's {why}, it must be a file of the repository"
        for path, why in named.items()
        if states.get(path) not in ("executable", "not executable")
    ]


def _lent(
    project: str, values: Mapping[str, Any], entries: list[File], states: Mapping[str, str]
) -> Iterator[Problem]:
    prefix = values.get("prefix", f"/opt/{project}")
    hooks = (_hook(values, states), values.get("before_remove"))
    directories = values.get("directories", ()) if "user" in values else ()
    return files.lent(entries, directories, [f"{prefix}/{hook}" for hook in hooks if hook])


def _twice(name: str, values: Mapping[str, Any], entries: list[File]) -> Iterator[Problem]:
    """Yield each place on a host that has two files."""
    named = [(where, said["path"].rpartition("/")[2]) for where, said in _units(values)]
    places: list[tuple[Where, str]] = [(where, f"{unit.FOLDER}/{file}") for where, file in named]
    if "environment" in values:
        places.append((("environment",), f"/etc/default/{name}"))
    places += [(("files", n), file.path) for n, file in enumerate(entries) if not file.is_glob]
    seen: set[str] = set()
    for where, place in places:
        if place.rstrip("/") in seen:
            yield where, f"`{where[0]}` brings {place} a second time: keep one"
        seen.add(place.rstrip("/"))


def _unit_problems(
    project: str, values: Mapping[str, Any], states: Mapping[str, str], allowed: Allowed
) -> Iterator[Problem]:
    """Yield what is wrong with each unit, alone and beside the others."""
    files = {said["path"].rpartition("/")[2] for _, said in _units(values)}
    for where, said in _units(values):
        file = said["path"].rpartition("/")[2]
        if ("@." in file) != bool(said.get("instances")):
            what = "a template, which runs only as one of its `instances`" if "@." in file else "no template"
            yield where, f"`{where[0]}` names {file}, which is {what}"
        content = _content(states, said["path"])
        other = unit.read(said, content).activates
        if content and other and other not in files:
            yield where, f"{file} starts {other}, which no unit of fpm.json is"


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
        for problem in contents.hook_problems(name, path, _content(states, path), prefix, depends)
    ]
    for _, said in _units(values):
        if states.get(said["path"]) in ("executable", "not executable"):
            content = _content(states, said["path"])
            problems += unit.problems(said, content, lambda name: allowed.unit(project, name))
    if "environment" in values:
        problems += contents.environment_problems(
            values["environment"], _content(states, values["environment"])
        )
    return problems


def _content(states: Mapping[str, str], path: str) -> bytes:
    return _decoded(states, f"content:{path}")


def _decoded(states: Mapping[str, str], key: str) -> bytes:
    return base64.b64decode(states.get(key, ""))


def _inside(conffiles: Any, prefix: str) -> dict[str, str]:
    """Return the paths in the repository of those *conffiles* that lie below *prefix*, by full path."""
    below = prefix.rstrip("/") + "/"
    return {path: path[len(below) :] for path in conffiles if path.startswith(below)}
