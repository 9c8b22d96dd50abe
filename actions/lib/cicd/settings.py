"""The configuration as the pack uses it: its sections, its projects, and what follows from both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Tuple

from cicd import identifiers
from cicd.errors import CicdError, ConfigError
from cicd.machine_providers import MachinesSettings
from cicd.notice_targets import NoticeTarget
from cicd.project import Project
from cicd.release.freeze_windows import Window
from cicd.release.lifecycle import CANARY, PAIR, Overrides, Stage
from cicd.sections import (
    AdministrationSettings,
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
    StatusPageSettings,
)


@dataclass(frozen=True)
class Settings:
    """
    The configuration, section by section.

    `system_user` is as whom StackStorm runs what no person asked for.
    *unusable* are the projects whose own file cannot be used, by name, and why: they are among no *projects*.
    """

    consul: ConsulSettings
    jenkins: JenkinsSettings
    github: GitHubSettings
    gateway: GatewaySettings
    status_page: StatusPageSettings
    source: SourceSettings
    ssh: SshSettings
    package: PackageSettings
    repository: RepositorySettings
    discovery: DiscoverySettings
    deploy: DeploySettings
    drift: DriftSettings
    monitoring: MonitoringSettings
    administration: AdministrationSettings
    machines: MachinesSettings
    projects: Mapping[str, Project] = field(default_factory=dict)
    freeze_windows: Tuple[Window, ...] = ()
    break_glass: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    access: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    notices: Tuple[NoticeTarget, ...] = ()
    projects_dir: str = ""
    system_user: str = "stanley"
    unusable: Mapping[str, CicdError] = field(default_factory=dict)

    def project(self, name: str) -> Project:
        """Return the project called *name*, or raise ConfigError naming those that exist."""
        identifiers.check("project", name)
        if name in self.projects:
            return self.projects[name]
        if name in self.unusable:
            raise ConfigError(self.unusable[name].message, self.unusable[name].hint)
        known = ", ".join(sorted(self.projects)) or "none"
        raise ConfigError(
            f"{name} is not configured.",
            f"Add it under `projects` in the pack's configuration (configured now: {known}).",
        )

    def refuse_unusable(self) -> None:
        """Raise ConfigError when the file of a project cannot be used, so that who asks for all says so."""
        if self.unusable:
            first, *others = sorted(self.unusable)
            also = f" So are the files of {', '.join(others)}." if others else ""
            raise ConfigError(f"{self.unusable[first].message}{also}", self.unusable[first].hint)

    def projects_of(self, repository: str) -> list[Project]:
        """Return the projects whose code is in *repository* (`owner/name`)."""
        return [p for p in self.projects.values() if p.repository.lower() == repository.lower()]

    def clone_url(self, project: Project) -> str:
        """Return the URL that a build host clones *project* from."""
        return self.source.clone_url.replace("{repository}", project.repository)

    def clone_secrets(self, project: Project) -> tuple[str, str]:
        """Return the files, on a build host, of the deploy key and of the token for that URL; or nothing."""
        key, token = self.source.deploy_key_file, self.source.token_file
        return key.replace("{project}", project.name), token.replace("{project}", project.name)

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


def _stages(project: Project, datacenter: str) -> list[Stage]:
    return [stage for stage in project.lifecycle.stages if stage.datacenter == datacenter]


def _named(pattern: str, project: Project) -> str:
    return pattern.replace("{project}", project.name).replace("{role}", project.role)
