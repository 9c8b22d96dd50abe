"""What is wrong with what a commit declares, each with its line or file. Pure."""

from __future__ import annotations

from typing import Iterator, Sequence

from cicd.allowed import Allowed
from cicd.package import claims, contents, files, fpm_json, unit
from cicd.package.declared import FILE, NAMED_SCRIPTS, SCRIPTS, Declared
from cicd.package.shape import Problem, Where
from cicd.sanitize import one_line

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


def problems(found: Declared, text: str | None, known: list[str], allowed: Allowed) -> list[str]:
    """Return every problem with what is *found* beside the fpm.json *text*, of which some are *known*."""
    packages = found.packages
    said = [((*one.where, *where), sentence) for one in packages for where, sentence in _placed(one, allowed)]
    said += [*_between(packages), *_architecture_problems(packages)]
    if found.artifact and "build" in found.values:
        said.append((("build",), "`build` and `artifact` both say what is packaged: keep one"))
    problems = [problem for one in packages for problem in _script_problems(one)]
    problems += [*known, *(problem for one in packages for problem in _file_problems(one))]
    problems += [fpm_json.at(text, where, sentence) for where, sentence in said]
    problems += [problem for one in packages for problem in _content_problems(one, allowed)]
    return list(dict.fromkeys(problems))


def _placed(found: Declared, allowed: Allowed) -> Iterator[Problem]:
    """Yield what is wrong with the values of one package, by itself."""
    yield from claims.problems(found, allowed)
    for number, file in enumerate(found.entries):
        yield from files.problems(file, ("files", number))
    yield from (*_lent(found), *_twice(found), *_unit_problems(found))
    # What a build makes is known when it has run.
    yield from () if found.build or found.artifact else files.missing(found.entries, found.states)


def _between(packages: Sequence[Declared]) -> Iterator[Problem]:
    """Yield what keeps *packages*, all of one release, from being installed beside each other."""
    names, prefixes = [one.name for one in packages], [one.prefix for one in packages]
    alone = {one.name for one in packages if not one.is_installed}
    for number, one in enumerate(packages):
        if one.name in names[:number]:
            yield (*one.where, "name"), f"`name` {one.name} is another package of this release"
        elif one.prefix in prefixes[:number]:
            yield (*one.where, "prefix"), f"`prefix` {one.prefix} is that of another package"
        for key in ("depends", "pre_depends", "recommends"):
            needed = {claims.name_of(said) for said in one.values.get(key, ())} & alone
            if needed and one.is_installed:
                yield (
                    (*one.where, key),
                    f"`{key}` names {sorted(needed)[0]}, which has `install` false: let hosts install it",
                )


def _architecture_problems(packages: Sequence[Declared]) -> Iterator[Problem]:
    """Yield what contradicts that *packages* are built for each of `architectures`."""
    first, *others = packages
    if not first.architectures:
        return
    if "architecture" in first.values:
        yield ("architecture",), "`architecture` and `architectures` both say for what it is built: keep one"
        return
    if first.artifact:
        yield (
            ("artifact",),
            "`artifact` is what CI built on one machine, and `architectures` wants a build for each: "
            "keep one, or let `build` make what is packaged",
        )
    for one in others:
        if one.values.get("architecture", "all") != "all":
            yield (
                (*one.where, "architecture"),
                "`architecture` next to `architectures` can only be all: write that, or leave it out",
            )


def _script_problems(found: Declared) -> list[str]:
    wanted = {**SCRIPTS, **({found.hook: "it runs after every installation"} if found.hook else {})}
    wanted.update({found.values[key]: f"it is `{key}`" for key in NAMED_SCRIPTS if key in found.values})
    if build := found.build:
        wanted[build] = "it makes what is packaged"
    problems = [
        f"{path} is {found.state(path)}: {why}, make it an executable file"
        for path, why in wanted.items()
        if found.state(path) != "executable"
    ]
    for key, why in UNPACKABLE.items():
        names = [name for name in found.decoded(f"tree:{key}").split(b"\0") if name]
        problems += [
            f"{one_line(ascii(name.decode(errors='replace')), 120)}: {why}, rename it" for name in names
        ]
    return problems + [said for key, said in UNSUPPORTED.items() if found.states.get(key) == "present"]


def _file_problems(found: Declared) -> list[str]:
    config = found.inside("conffiles")
    outside = [path for path in found.values.get("conffiles", ()) if path not in config]
    problems = [f"fpm.json: `conffiles` names {path}, which is not below {found.prefix}" for path in outside]
    inside = found.inside("directories")
    problems += [
        f"fpm.json: `directories` names {full}, which is a file or behind a symbolic link in the repository"
        for full, path in inside.items()
        if found.state(path) not in ("missing", "directory")
    ]
    if found.state("REVISION") == "directory":
        problems.append("REVISION is a directory: every package has a file of this name, rename it")
    made = bool(found.artifact) or found.state(found.build) == "executable"
    named = {} if made else {path: f"`conffiles` names {full}" for full, path in config.items()}
    named.update({said["path"]: f"`{where[0]}` names it" for where, said in found.units()})
    if "environment" in found.values:
        named[found.values["environment"]] = "`environment` names it"
    return problems + [
        f"{path} is {found.state(path)}: fpm.json's {why}, it must be a file of the repository"
        for path, why in named.items()
        if found.state(path) not in FILE
    ]


def _lent(found: Declared) -> Iterator[Problem]:
    hooks = (found.hook, found.values.get("before_remove"))
    directories = found.values.get("directories", ()) if "user" in found.values else ()
    return files.lent(found.entries, directories, [f"{found.prefix}/{hook}" for hook in hooks if hook])


def _twice(found: Declared) -> Iterator[Problem]:
    """Yield each place on a host that has two files."""
    named = [(where, said["path"].rpartition("/")[2]) for where, said in found.units()]
    places: list[tuple[Where, str]] = [(where, f"{unit.FOLDER}/{file}") for where, file in named]
    if "environment" in found.values:
        places.append((("environment",), f"/etc/default/{found.name}"))
    places += [(("files", n), file.path) for n, file in enumerate(found.entries) if not file.is_glob]
    seen: set[str] = set()
    for where, place in places:
        if place.rstrip("/") in seen:
            yield where, f"`{where[0]}` brings {place} a second time: keep one"
        seen.add(place.rstrip("/"))


def _unit_problems(found: Declared) -> Iterator[Problem]:
    """Yield what is wrong with each unit, alone and beside the others."""
    files = {said["path"].rpartition("/")[2] for _, said in found.units()}
    for where, said in found.units():
        file = said["path"].rpartition("/")[2]
        if ("@." in file) != bool(said.get("instances")):
            what = (
                "a template, which runs only as one of its `instances`" if "@." in file else "not a template"
            )
            yield where, f"`{where[0]}` names {file}, which is {what}"
        content = found.content(said["path"])
        other = unit.read(said, content).activates
        if content and other and other not in files:
            yield where, f"{file} starts {other}, which no unit of fpm.json is"


def _content_problems(found: Declared, allowed: Allowed) -> list[str]:
    depends = found.values.get("depends", ())
    hooks = {key: found.values[key] for key in NAMED_SCRIPTS if key in found.values}
    hooks.update({"after_install": found.hook} if found.hook else {})
    problems = [
        problem
        for name, path in hooks.items()
        if found.state(path) == "executable"
        for problem in contents.hook_problems(name, path, found.content(path), found.prefix, depends)
    ]
    for _, said in found.units():
        if found.state(said["path"]) in FILE:
            content = found.content(said["path"])
            problems += unit.problems(said, content, lambda name: allowed.unit(found.project, name))
    if "environment" in found.values:
        problems += contents.environment_problems(
            found.values["environment"], found.content(found.values["environment"])
        )
    return problems
