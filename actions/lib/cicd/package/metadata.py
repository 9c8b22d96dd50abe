"""The project's contract: its scripts and fpm.json together. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping

from cicd.allowed import NOTHING_MORE, Allowed
from cicd.errors import ProjectError
from cicd.package import checks, claims, fpm_json, unit
from cicd.package.declared import BUILD, EMBEDDED_HOOKS, HOOKS, NAMED_SCRIPTS, SCRIPTS, Declared
from cicd.package.fields import FIELDS, LISTS, RELATIONS
from cicd.package.files import File
from cicd.package.unit import Unit
from cicd.release.version import package_name
from cicd.sanitize import one_line

ALL = "all"  # the architecture of a package that fits every one
SAME = (
    *("license", "section", "priority", "user", "environment", "artifact", "before_remove"),
    *EMBEDDED_HOOKS,
)


@dataclass(frozen=True)
class Metadata:
    """
    What fpm.json says of a package, completed with the pipeline's defaults.

    `install` is whether the project's hosts install it; the first package of a release has the others as
    `packages`, and says for which `architectures` all that are not for `all` are built: empty means once.
    """

    name: str
    version: str
    description: str
    maintainer: str
    prefix: str
    hook: str
    license: str = "unknown"
    section: str = "misc"
    priority: str = "optional"
    architecture: str = ALL
    user: str = ""
    environment: str = ""
    build: str = ""
    artifact: str = ""
    install: bool = True
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
    packages: tuple[Metadata, ...] = ()
    architectures: tuple[str, ...] = ()

    @property
    def release(self) -> tuple[Metadata, ...]:
        """All packages of the release, this one first."""
        return (self, *self.packages)

    def file(self, version: str) -> str:
        """Return what dpkg calls the file of this package at *version*."""
        return f"{self.name}_{version}_{self.architecture}.deb"

    @property
    def other_architectures(self) -> tuple[str, ...]:
        """Those of `architectures` that another build than this one makes."""
        return tuple(one for one in self.architectures if one != self.architecture)

    def built_for(self, architecture: str) -> Metadata:
        """Return the same release, of which what is not for all architectures is built for *architecture*."""
        others = tuple(one.built_for(architecture) for one in self.packages)
        own = self.architecture if self.architecture == ALL else architecture
        return replace(self, architecture=own, packages=others)

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
    lists.update(packages=tuple(map(from_json, values["packages"])))
    lists.update(architectures=tuple(values.get("architectures", ())))
    return Metadata(**{**values, **lists})


def paths(text: str | None, project: str) -> list[str]:
    """
    Return the paths in the repository of which `read` must be told the state, as far as fpm.json names them.

    Of `:path` it must be told the content.
    """
    found = Declared(project, "", fpm_json.parse(text)[0], {})
    return list(dict.fromkeys(path for one in found.packages for path in _paths(one)))


def _paths(found: Declared) -> list[str]:
    values = found.values
    hooks = [values[key] for key in (*NAMED_SCRIPTS, "environment") if key in values]
    hooks += [said["path"] for _, said in found.units()]
    named = [*found.inside("conffiles").values(), *found.inside("directories").values(), "REVISION", BUILD]
    named += [file.source for file in found.entries if file.source]
    said = [f":{path}" for path in (*HOOKS, *hooks)]
    return [*SCRIPTS, *HOOKS, *hooks, values.get("build", BUILD), *named, *said]


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
        problems.append(
            f"fpm.json has no `name`, and {name} is not a valid name for a Debian package: add one"
        )
    found = Declared(project, name, values, states)
    problems = checks.problems(found, text, problems, allowed)
    if problems:
        raise ProjectError(
            f"{project} at {commit[:7]} breaks the project contract: {'; '.join(problems)}.",
            "Correct the named files and push again; docs/project.md lists every field.",
            problems=problems,
        )
    return _metadata(found)


def _metadata(found: Declared) -> Metadata:
    values, project = found.values, found.project
    optional: dict[str, Any] = {key: values[key] for key in SAME if key in values}
    texts = (key for key in LISTS if key not in ("files", "units"))
    lists: dict[str, Any] = {key: tuple(dict.fromkeys(values.get(key, ()))) for key in texts}
    units = [unit.read(said, found.content(said["path"])) for _, said in found.units()]
    return Metadata(
        name=found.name,
        version=values["version"],
        description=one_line(values["description"], 500).replace("$", ""),
        maintainer=values.get("maintainer") or f"{project} <{package_name(project)}@localhost>",
        prefix=found.prefix,
        hook=found.hook,
        architecture=found.architecture,
        architectures=() if found.where else found.architectures,
        build=found.build,
        units=tuple(unit.ordered(units)),
        files=tuple(found.entries),
        install=found.is_installed,
        packages=tuple(_metadata(one) for one in found.packages[1:]),
        **optional,
        **lists,
    )
