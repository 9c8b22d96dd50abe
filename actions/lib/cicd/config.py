"""The pack's configuration, checked once and typed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence, Tuple, cast

from cicd import (
    access,
    allowed,
    analyses,
    config_file,
    config_schema,
    identifiers,
    lifecycles,
    monitoring,
    notice_targets,
    sections,
)
from cicd.allowed import NOTHING_MORE, Allowed
from cicd.config_schema import Problem
from cicd.errors import ConfigError
from cicd.lifecycles import Given, Place
from cicd.notice_targets import NoticeTarget
from cicd.release import approvals
from cicd.release import freeze_windows as windows
from cicd.release.analysis_policy import NO_ANALYSIS, AnalysisPolicy
from cicd.release.approvals import NO_POLICY, Policy
from cicd.release.freeze_windows import Window
from cicd.release.lifecycle import CANARY, PAIR, Lifecycle, Overrides, Stage
from cicd.release.record import EVERYTHING
from cicd.sections import (
    ConsulSettings,
    DeploySettings,
    DiscoverySettings,
    DriftSettings,
    GatewaySettings,
    GitHubSettings,
    JenkinsSettings,
    MonitoringSettings,
    PackageSettings,
    RepositorySettings,
    SourceSettings,
    SshSettings,
)


@dataclass(frozen=True)
class Project:
    """One project that is deployed."""

    name: str
    repository: str
    branch: str = ""  # the repository's default branch
    directory: str = ""  # of the repository; empty is all of it
    job: str = ""
    role: str = "app"
    min_bake_seconds: int = 600
    approval: Policy = NO_POLICY
    freeze_windows: Tuple[Window, ...] = ()
    paths: tuple[str, ...] = ()
    watch_paths: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()  # those of the repository's section when empty
    component: str = ""
    allowed: Allowed = NOTHING_MORE
    lifecycle: Lifecycle = PAIR
    deploy: Overrides = field(default_factory=lambda: Overrides())  # keys of that section that are its own
    requires: Mapping[str, str] = field(default_factory=dict)  # the least version of other projects, by name
    packages: tuple[str, ...] = ()  # names of packages that are this project's, whoever published one first
    verify_reproducible: str = ""  # that of `package` when empty
    analysis: AnalysisPolicy = NO_ANALYSIS

    def approval_of(self, ring: str) -> Policy:
        """Return who must approve what comes to *ring*: its own policy, or the project's for production."""
        own = self.lifecycle.stage(ring).approval
        if own is not None:
            return own
        return self.approval if ring in self.lifecycle.productions else NO_POLICY

    def analysis_of(self, ring: str) -> AnalysisPolicy:
        """Return how *ring* is judged: its own analysis, or the project's where another ring follows."""
        own = self.lifecycle.stage(ring).analysis
        if own is not None:
            return own
        return self.analysis if self.lifecycle.followers(ring) else NO_ANALYSIS


@dataclass(frozen=True)
class Settings:
    """The configuration, section by section."""

    consul: ConsulSettings
    jenkins: JenkinsSettings
    github: GitHubSettings
    gateway: GatewaySettings
    source: SourceSettings
    ssh: SshSettings
    package: PackageSettings
    repository: RepositorySettings
    discovery: DiscoverySettings
    deploy: DeploySettings
    drift: DriftSettings
    monitoring: MonitoringSettings
    projects: Mapping[str, Project] = field(default_factory=dict)
    freeze_windows: Tuple[Window, ...] = ()
    break_glass: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    access: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    notices: Tuple[NoticeTarget, ...] = ()

    def project(self, name: str) -> Project:
        """Return the project called *name*, or raise ConfigError naming those that exist."""
        identifiers.check("project", name)
        if name in self.projects:
            return self.projects[name]
        known = ", ".join(sorted(self.projects)) or "none"
        raise ConfigError(
            f"{name} is not configured.",
            f"Add it under `projects` in the pack's configuration (configured now: {known}).",
        )

    def projects_of(self, repository: str) -> list[Project]:
        """Return the projects whose code is in *repository* (`owner/name`)."""
        return [p for p in self.projects.values() if p.repository.lower() == repository.lower()]

    def clone_url(self, project: Project) -> str:
        """Return the URL that a build host clones *project* from."""
        return self.source.clone_url.replace("{repository}", project.repository)

    def distributions(self, project: Project) -> tuple[str, ...]:
        """Return the distributions in which *project* is published; the first one is what is read."""
        return project.distributions or (self.repository.distribution,)

    def component(self, project: Project) -> str:
        """Return the component of those distributions."""
        return project.component or self.repository.component

    def verify_reproducible(self, project: Project) -> str:
        """Return what follows when a second build host builds other bytes; `never` for no second build."""
        return project.verify_reproducible or self.package.verify_reproducible

    def service_name(self, project: Project) -> str:
        """Return the Consul service of *project*'s app hosts."""
        return _named(self.discovery.service, project)

    def tag(self, project: Project) -> str:
        """Return the Consul tag that every app host of *project* carries."""
        return _named(self.discovery.tag, project)

    def tags(self, project: Project, datacenter: str = "") -> Mapping[str, str]:
        """
        Return the Consul tag of each ring of *project* in *datacenter*, in their order.

        An empty tag stands for whatever host is left, an empty datacentre for the one with the record.
        """
        rest = "" if project.lifecycle is PAIR else self.discovery.tag
        usual = {CANARY: self.discovery.canary_tag}
        stages = _stages(project, datacenter)
        return {stage.name: _named(stage.tag or usual.get(stage.name, rest), project) for stage in stages}

    def version_keys(self, project: Project, datacenter: str = "") -> Mapping[str, str]:
        """Return where *datacenter* has the version of each of its rings that says so as plain text."""
        stages = _stages(project, datacenter)
        return {stage.name: _named(stage.version_key, project) for stage in stages if stage.version_key}

    def canary_tag(self, project: Project) -> str:
        """Return the Consul tag that canary hosts of *project* carry as well."""
        return _named(self.discovery.canary_tag, project)

    def deploy_of(self, project: Project, ring: str) -> DeploySettings:
        """Return how *ring* of *project* is updated: its own keys, else the project's, else everybody's."""
        own: Overrides = {"min_bake_seconds": project.min_bake_seconds, **project.deploy}
        of_ring: Overrides = {**own, **project.lifecycle.stage(ring).deploy}
        return replace(self.deploy, **of_ring)


# Files that must be readable, by whom: sensors may run as another user than actions.
READ_FOR_CONSUL = ("consul.token_file", "consul.ca_file")
READ_BY_SENSORS = (*READ_FOR_CONSUL, "jenkins.token_file", "github.token_file")
READ_BY_ACTIONS = (*READ_BY_SENSORS, "ssh.private_key_file", "ssh.known_hosts_file")


def parse(config: Mapping[str, Any] | None) -> Settings:
    """
    Return the Settings of the pack's *config*.

    ConfigError names the first key that config.schema.yaml refuses, and the file and line where they
    are known. StackStorm gives `{}` when the configuration cannot be read.
    """
    given = dict(config or {})
    _refuse_wrong(given)
    read = sections.parse(given)
    lifecycles.refuse_contradictions(cast(Given, given))
    bake = read["deploy"].min_bake_seconds
    parsed = {name: _project(name, _given(values), given, bake) for name, values in given["projects"].items()}
    _refuse_given_twice(parsed)
    settings = Settings(
        **read,
        projects=parsed,
        freeze_windows=windows.parse(given.get("freeze_windows"), "freeze_windows"),
        break_glass=approvals.roles_from(given.get("break_glass")),
        access=access.parse(given.get("access")),
        notices=notice_targets.parse(given.get("notices"), given["projects"]),
    )
    lifecycles.refuse_shared(_places(settings))
    monitoring.refuse_without_login(settings.monitoring)
    for project in parsed.values():
        analyses.refuse_unfollowed(project.name, project.lifecycle)
        policies = {name: project.analysis_of(name) for name in project.lifecycle.names}
        analyses.refuse_unmeasured(project.name, policies.values(), settings.monitoring)
        judged = [name for name, policy in policies.items() if policy.sources]
        analyses.refuse_unjudged(project.name, project.lifecycle, judged)
    rings = {name: project.lifecycle for name, project in parsed.items()}
    lifecycles.refuse_other_rings(rings, {name: project.requires for name, project in parsed.items()})
    return settings


def secret(path: str) -> str:
    """Return the secret in the file *path*; an empty path is no secret. ConfigError if unreadable."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(
            f"The secret file {path} cannot be read: {why}.",
            "Create it readable for the users of StackStorm's actions and sensors (see README), "
            "or correct the configuration.",
        ) from None


def unreadable_to_sensors(settings: Settings) -> list[str]:
    """Return the files that sensors need, and that this user cannot read."""
    # Without GitHub's token they ask git for what was pushed, with the key of actions.
    return unreadable(settings, READ_BY_SENSORS if settings.github.token_file else READ_BY_ACTIONS)


def unreadable(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return the files that the keys *names* of the configuration name, and that this user cannot read."""
    return [path for path in _files(settings, names) if not os.access(path, os.R_OK)]


def unreadable_for_notices(settings: Settings) -> list[str]:
    """Return the files of the targets of notices that this user cannot read."""
    files = [path for target in settings.notices for path in (target.url_file, target.password_file) if path]
    return [path for path in files if not os.access(path, os.R_OK)]


def private(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return the files that the keys *names* of the configuration name, and that only their owner reads."""
    return [path for path in _files(settings, names) if os.path.exists(path) and not _is_shared(path)]


def _files(settings: Settings, names: Sequence[str]) -> list[str]:
    return list(filter(None, (attrgetter(name)(settings) for name in names)))


def _stages(project: Project, datacenter: str) -> list[Stage]:
    return [stage for stage in project.lifecycle.stages if stage.datacenter == datacenter]


def _named(pattern: str, project: Project) -> str:
    return pattern.replace("{project}", project.name).replace("{role}", project.role)


def _is_shared(path: str) -> bool:
    return bool(os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _refuse_wrong(given: Mapping[str, Any]) -> None:
    found = config_schema.problems(given)
    if not found and not given.get("projects"):
        found = [Problem(("projects",), "is missing")]
    if not found:
        return
    config_file.refuse_unreadable()
    first, others = found[0], ", ".join(f"`{one.name}`" for one in found[1:4])
    raise ConfigError(
        f"`{first.name}` {first.why} in {config_file.place(first.keys)}.",
        f"Correct it in {config_file.path()}, see cicd.yaml.example, {config_file.REGISTER}."
        + (f" Wrong as well: {others}." if others else ""),
    )


def _given(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (values or {}).items() if value is not None}


def _project(name: str, values: Mapping[str, Any], config: Mapping[str, Any], bake: int) -> Project:
    if name == EVERYTHING:
        raise ConfigError(f"{name!r} is no name for a project: it means all of them.", "Rename it.")
    directory = values.get("directory") or ""
    return Project(
        name=identifiers.check("project", name),
        repository=identifiers.check("repository", values["repository"]),
        branch=identifiers.check("branch", values["branch"]) if values.get("branch") else "",
        job=values.get("job") or name,
        role=values.get("role") or "app",
        min_bake_seconds=int(values.get("min_bake_seconds", bake)),
        approval=approvals.policy_from(values.get("approval"), f"projects.{name}.approval"),
        freeze_windows=windows.parse(values.get("freeze_windows"), f"projects.{name}.freeze_windows"),
        directory=directory,
        paths=tuple(values.get("paths") or ([f"{directory}/"] if directory else ())),
        watch_paths=tuple(values.get("watch_paths") or ()),
        distributions=tuple(identifiers.check("distribution", d) for d in values.get("distributions") or ()),
        component=identifiers.check("distribution", values["component"]) if values.get("component") else "",
        allowed=allowed.parse(values.get("allowed"), f"projects.{name}.allowed"),
        lifecycle=lifecycles.of_project(cast(Given, config), name, cast(Given, values)),
        deploy=lifecycles.overrides(cast(Overrides, values.get("deploy") or {})),
        requires=_requires(name, values.get("requires") or {}, config),
        packages=tuple(identifiers.check("package", name) for name in values.get("packages") or ()),
        verify_reproducible=values.get("verify_reproducible") or "",
        analysis=analyses.parse(values.get("analysis"), ("projects", name, "analysis")) or NO_ANALYSIS,
    )


def _requires(name: str, given: Mapping[str, str], config: Mapping[str, Any]) -> Mapping[str, str]:
    strange = [one for one in given if one not in config["projects"] or one == name]
    if strange:
        raise ConfigError(
            f"`projects.{name}.requires` names {strange[0]}, which is no other project.",
            "Name projects of the configuration, each with its least version.",
        )
    return dict(given)


def _places(settings: Settings) -> Iterator[Place]:
    for name, one in settings.projects.items():
        for where in ("", *one.lifecycle.datacenters):
            yield Place(name, where, settings.tags(one, where), settings.version_keys(one, where))


def _refuse_given_twice(projects: Mapping[str, Project]) -> None:
    owners: dict[str, str] = {}
    for project in projects.values():
        for package in project.packages:
            other = owners.setdefault(package, project.name)
            if other != project.name:
                raise ConfigError(
                    f"The package {package} is given to {other} and to {project.name}.",
                    "Let one project have it: `projects.<project>.packages` in the configuration.",
                )
