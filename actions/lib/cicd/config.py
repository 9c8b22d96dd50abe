"""The pack's configuration, checked once and typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Tuple

from cicd import access, allowed, fields, people, windows
from cicd.allowed import NOTHING_MORE, Allowed
from cicd.errors import ConfigError
from cicd.people import NO_POLICY, Policy
from cicd.record import EVERYTHING
from cicd.windows import Window


@dataclass(frozen=True)
class Project:
    """One project that is deployed."""

    name: str
    repository: str
    branch: str = ""  # the repository's default branch
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
    packages: tuple[str, ...] = ()  # names of packages that are this project's, whoever published one first


@dataclass(frozen=True)
class Settings:
    """The configuration, section by section; defaults are those of config.schema.yaml."""

    consul: Mapping[str, Any]
    jenkins: Mapping[str, Any]
    github: Mapping[str, Any]
    gateway: Mapping[str, Any]
    source: Mapping[str, Any]
    ssh: Mapping[str, Any]
    package: Mapping[str, Any]
    repository: Mapping[str, Any]
    discovery: Mapping[str, Any]
    deploy: Mapping[str, Any]
    drift: Mapping[str, Any]
    projects: Mapping[str, Project] = field(default_factory=dict)
    freeze_windows: Tuple[Window, ...] = ()
    break_glass: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    access: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)

    def project(self, name: str) -> Project:
        """Return the project called *name*, or raise ConfigError naming those that exist."""
        fields.check("project", name)
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
        return str(self.source["clone_url"]).replace("{repository}", project.repository)

    def distributions(self, project: Project) -> tuple[str, ...]:
        """Return the distributions in which *project* is published; the first one is what is read."""
        return project.distributions or (str(self.repository["distribution"]),)

    def component(self, project: Project) -> str:
        """Return the component of those distributions."""
        return project.component or str(self.repository["component"])

    def service_name(self, project: Project) -> str:
        """Return the Consul service of *project*'s app hosts."""
        return self._named("service", project)

    def tag(self, project: Project) -> str:
        """Return the Consul tag that every app host of *project* carries."""
        return self._named("tag", project)

    def canary_tag(self, project: Project) -> str:
        """Return the Consul tag that canary hosts of *project* carry as well."""
        return self._named("canary_tag", project)

    def _named(self, key: str, project: Project) -> str:
        pattern = str(self.discovery[key])
        return pattern.replace("{project}", project.name).replace("{role}", project.role)


DEFAULTS: dict[str, dict[str, Any]] = {
    "consul": {"url": "http://127.0.0.1:8500", "token_file": ""},
    "jenkins": {"user": "cicd", "queue_timeout": 3600, "build_timeout": 3600},
    "github": {"api_url": "https://api.github.com", "token_file": "", "hook_url": "", "details_url": ""},
    "gateway": {"url": ""},
    "source": {
        "clone_url": "https://github.com/{repository}.git",
        "deploy_key_file": "",
        "token_file": "",
    },
    "ssh": {"user": "cicd", "port": 22, "connect_timeout": 10, "parallel": 20},
    "package": {
        "driver": "auto",
        "formats": ["deb"],
        "lintian": "report",
        "service": "build",
        "tag": "package",
        "timeout": 600,
    },
    "repository": {
        "driver": "auto",
        "service": "apt",
        "tag": "publish",
        "distribution": "bookworm",
        "component": "main",
        "architectures": ["amd64", "arm64"],
        "name": "cicd",
        "keep_versions": 10,
        "keep_days": 30,
        "valid_days": 7,
    },
    "discovery": {
        "service": "{project}",
        "tag": "{project}::{role}",
        "canary_tag": "{project}::{role}_canary",
        "zone_meta": "zone",
    },
    "drift": {"silent_seconds": 300, "follow_seconds": 120},
    "deploy": {
        "batches": ["1", "100%"],
        "failure_budget": "0",
        "min_healthy": "50%",
        "max_canaries": "50%",
        "auto_rollback": True,
        "host_timeout": 300,
        "time_limit": 3300,
        "lost_after": 120,
        "alarm_window": 900,
        "min_bake_seconds": 600,
        "lock_ttl_seconds": 60,
        "lock_wait_seconds": 300,
    },
}

REQUIRED = {
    "jenkins": ("url", "token_file"),
    "ssh": ("private_key_file", "known_hosts_file"),
    "repository": ("url", "config_file", "gpg_key"),
}


def parse(config: Mapping[str, Any] | None) -> Settings:
    """
    Return the Settings of the pack's *config*.

    StackStorm gives `{}` when the configuration cannot be read, so what is missing is
    named here: ConfigError says which key, and where to set it.
    """
    given = config or {}
    sections = {name: {**defaults, **_section(given, name)} for name, defaults in DEFAULTS.items()}
    for name, keys in REQUIRED.items():
        for key in keys:
            if not sections[name].get(key):
                raise _missing(f"{name}.{key}")
    projects = _section(given, "projects")
    if not projects:
        raise _missing("projects")
    bake = int(sections["deploy"]["min_bake_seconds"])
    parsed = {name: _project(name, projects[name], bake) for name in projects}
    _refuse_given_twice(parsed)
    return Settings(
        **sections,
        projects=parsed,
        freeze_windows=windows.parse(given.get("freeze_windows"), "freeze_windows"),
        break_glass=people.roles_from(given.get("break_glass")),
        access=access.parse(given.get("access")),
    )


def secret(path: str) -> str:
    """Return the secret in the file *path*; an empty path is no secret. ConfigError if unreadable."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            f"The secret file {path} cannot be read: {error.strerror}.",
            "Create it readable for the user that runs the actions, or correct the configuration.",
        ) from None


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name) or {}
    if not isinstance(section, Mapping):
        raise ConfigError(f"`{name}` in the pack's configuration is not a mapping.", "See cicd.yaml.example.")
    return section


def _project(name: str, values: Mapping[str, Any], bake: int) -> Project:
    if not isinstance(values, Mapping) or not values.get("repository"):
        raise _missing(f"projects.{name}.repository")
    if name == EVERYTHING:
        raise ConfigError(f"{name!r} is no name for a project: it means all of them.", "Rename it.")
    return Project(
        name=fields.check("project", name),
        repository=fields.check("repository", values["repository"]),
        branch=fields.check("branch", values["branch"]) if values.get("branch") else "",
        job=values.get("job") or name,
        role=values.get("role") or "app",
        min_bake_seconds=int(values.get("min_bake_seconds", bake)),
        approval=people.policy_from(values.get("approval"), f"projects.{name}.approval"),
        freeze_windows=windows.parse(values.get("freeze_windows"), f"projects.{name}.freeze_windows"),
        paths=tuple(values.get("paths") or ()),
        watch_paths=tuple(values.get("watch_paths") or ()),
        distributions=tuple(fields.check("distribution", d) for d in values.get("distributions") or ()),
        component=fields.check("distribution", values["component"]) if values.get("component") else "",
        allowed=allowed.parse(values.get("allowed"), f"projects.{name}.allowed"),
        packages=tuple(fields.check("package", name) for name in values.get("packages") or ()),
    )


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


def _missing(key: str) -> ConfigError:
    return ConfigError(
        f"`{key}` is missing in the pack's configuration.",
        "Set it in /opt/stackstorm/configs/cicd.yaml (see cicd.yaml.example), "
        "then run `st2ctl reload --register-configs`.",
    )
