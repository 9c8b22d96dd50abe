"""The pack's configuration, checked once and typed."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence, Tuple, cast

from cicd import (
    access,
    analyses,
    ci_choice,
    config_file,
    config_schema,
    lifecycles,
    monitoring,
    notice_targets,
    project_files,
    sections,
)
from cicd import project as projects
from cicd.config_schema import Problem
from cicd.errors import CicdError, ConfigError
from cicd.lifecycles import Given, Place
from cicd.project import Project
from cicd.project_files import ProjectFile
from cicd.release import approvals
from cicd.release import freeze_windows as windows
from cicd.settings import Settings

__all__ = ["Project", "Settings", "parse"]


# Files that must be readable, by whom: sensors may run as another user than actions.
READ_FOR_CONSUL = ("consul.token_file", "consul.ca_file")
READ_BY_SENSORS = (*READ_FOR_CONSUL, "jenkins.token_file", "github.token_file")
READ_BY_ADMINISTRATION = (
    "administration.consul_token_file",
    "administration.jenkins_token_file",
    "administration.github_token_file",
    "administration.webhook_secret_file",
    "administration.ssh_key_file",
)
READ_BY_ACTIONS = (*READ_BY_SENSORS, "ssh.private_key_file", "ssh.known_hosts_file")


def parse(config: Mapping[str, Any] | None, instead: ProjectFile | None = None) -> Settings:
    """
    Return the Settings of the pack's *config*.

    *instead* counts as the file of its project, whatever is in that. ConfigError names the first key that
    config.schema.yaml refuses, and the file and line where they are known. StackStorm gives `{}` when the
    configuration cannot be read.
    """
    given = dict(config or {})
    _refuse_wrong(given)
    here, folder = given.get("projects") or {}, str(given.get("projects_dir") or "")
    files = [file for file in project_files.read(folder, here) if not instead or file.name != instead.name]
    files += [instead] if instead else []
    whole = {**given, "projects": {**{file.name: file.values for file in files}, **here}}
    read = sections.parse(given)
    lifecycles.refuse_contradictions(cast(Given, given))
    bake = read["deploy"].min_bake_seconds
    base = [projects.parse(name, values, whole, bake) for name, values in here.items()]
    settings = Settings(
        **read,
        projects={project.name: project for project in base},
        freeze_windows=windows.parse(given.get("freeze_windows"), "freeze_windows"),
        break_glass=approvals.roles_from(given.get("break_glass")),
        access=access.parse(given.get("access")),
        # A file that goes must not stop all other projects: a checkup names who is to be told of its project.
        notices=notice_targets.parse(given.get("notices"), None if folder else whole["projects"]),
        projects_dir=folder,
        system_user=str(given.get("system_user") or Settings.system_user),
    )
    monitoring.refuse_without_login(settings.monitoring)
    _refuse_contradictions(settings, base)
    return _with_files(settings, files, whole) if files else settings


def _with_files(settings: Settings, files: Sequence[ProjectFile], whole: Mapping[str, Any]) -> Settings:
    """Return *settings* with the projects of *files*: one that cannot be used keeps no other from it."""
    base, own, unusable = list(settings.projects.values()), {}, {}
    for file in files:
        try:
            own[file.name] = _of_file(settings, file, whole)
        except CicdError as error:
            unusable[file.name] = project_files.named(file, error)
    unusable.update(_clashes(settings, base, list(own.values())))
    good = {name: project for name, project in {**settings.projects, **own}.items() if name not in unusable}
    return replace(settings, projects=good, unusable=unusable)


def _of_file(settings: Settings, file: ProjectFile, whole: Mapping[str, Any]) -> Project:
    project_files.refuse_unusable(file)
    found = projects.parse(file.name, file.values, whole, settings.deploy.min_bake_seconds)
    _refuse_contradictions(settings, [found])
    return found


def _clashes(
    settings: Settings, base: Sequence[Project], own: Sequence[Project]
) -> Iterator[Tuple[str, CicdError]]:
    """Yield each of *own* that contradicts one of *base* or another of *own*, and why."""
    try:
        _refuse_contradictions(settings, [*base, *own])
        return
    except ConfigError:  # between whom is worth looking for only now
        pairs = [(one, other) for one in own for other in (*base, *own) if one is not other]
    for one, other in pairs:
        try:
            _refuse_contradictions(settings, [other, one])
        except ConfigError as error:
            yield one.name, error


def _refuse_contradictions(settings: Settings, some: Sequence[Project]) -> None:
    """Raise ConfigError when *some* projects contradict each other, or one the rest of the configuration."""
    _refuse_given_twice(some)
    lifecycles.refuse_shared(_places(settings, some))
    for project in some:
        ci_choice.refuse_unserved(project.name, project.ci, settings.jenkins, settings.github)
        analyses.refuse_unfollowed(project.name, project.lifecycle)
        policies = {name: project.analysis_of(name) for name in project.lifecycle.names}
        analyses.refuse_unmeasured(project.name, policies.values(), settings.monitoring)
        judged = [name for name, policy in policies.items() if policy.sources]
        analyses.refuse_unjudged(project.name, project.lifecycle, judged)
    rings = {project.name: project.lifecycle for project in some}
    lifecycles.refuse_other_rings(rings, {project.name: project.requires for project in some})


def secret(path: str) -> str:
    """Return the secret in the file *path*; an empty path is no secret. ConfigError if unreadable."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigError(
            f"The secret file {path} cannot be read: {why}.",
            "Create it readable for the users of StackStorm's actions and sensors (see README), "
            "or correct the configuration.",
        ) from None


def unreadable_to_sensors(settings: Settings) -> list[str]:
    """Return the files that sensors need, and that this user cannot read."""
    # Without GitHub's token they ask git for what was pushed, with the key of actions.
    secrets = READ_BY_SENSORS if settings.github.token_file else READ_BY_ACTIONS
    files = project_files.paths(settings.projects_dir) if settings.projects_dir else []
    return [*unreadable(settings, secrets), *(str(path) for path in files if not os.access(path, os.R_OK))]


def unreadable(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return the files that the keys *names* of the configuration name, and that this user cannot read."""
    return [path for path in _files(settings, names) if not os.access(path, os.R_OK)]


def unreadable_for_notices(settings: Settings) -> list[str]:
    """Return the files of the targets of notices that this user cannot read."""
    files = [path for target in settings.notices for path in target.files]
    return [path for path in files if not os.access(path, os.R_OK)]


def private(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return the files that the keys *names* of the configuration name, and that only their owner reads."""
    return [path for path in _files(settings, names) if os.path.exists(path) and not _is_shared(path)]


def _files(settings: Settings, names: Sequence[str]) -> list[str]:
    return list(filter(None, (attrgetter(name)(settings) for name in names)))


def _is_shared(path: str) -> bool:
    return bool(os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _refuse_wrong(given: Mapping[str, Any]) -> None:
    found = [*ci_choice.problems(given), *config_schema.problems(given)]
    if not found and not given.get("projects") and not given.get("projects_dir"):
        found = [Problem(("projects",), "is missing")]
    if not found:
        return
    config_file.refuse_unreadable()
    first, others = found[0], ", ".join(f"`{one.name}`" for one in found[1:4])
    raise ConfigError(
        f"`{first.name}` {first.why} in {config_file.place(first.keys)}.",
        config_file.correction(first.keys, "cicd.yaml.example")
        + (f" Wrong as well: {others}." if others else ""),
    )


def _places(settings: Settings, some: Sequence[Project]) -> Iterator[Place]:
    for one in some:
        for where in ("", *one.lifecycle.datacenters):
            yield Place(one.name, where, settings.tags(one, where), settings.version_keys(one, where))


def _refuse_given_twice(some: Sequence[Project]) -> None:
    owners: dict[str, str] = {}
    for project in some:
        for package in project.packages:
            other = owners.setdefault(package, project.name)
            if other != project.name:
                raise ConfigError(
                    f"The package {package} is given to {other} and to {project.name}.",
                    "Let one project have it: `projects.<project>.packages` in the configuration.",
                )
