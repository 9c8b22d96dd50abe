"""The sections of the configuration: what each key means and may be, config.schema.yaml says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Type, TypedDict, cast

from cicd import config_schema, machine_providers
from cicd.machine_providers import MachinesSettings

# Every start of an action makes these classes: to compare and to print them, too, would cost a third more.


@dataclass(frozen=True, eq=False, repr=False)
class ConsulSettings:
    """Where releases are recorded and hosts are found."""

    url: str
    token_file: str
    ca_file: str
    keep_history_days: int


@dataclass(frozen=True, eq=False, repr=False)
class JenkinsSettings:
    """The CI server."""

    url: str
    user: str
    token_file: str
    queue_timeout: int
    build_timeout: int


@dataclass(frozen=True, eq=False, repr=False)
class GitHubSettings:
    """GitHub's API: commit statuses and deployments, pushes that were never told, GitHub Actions."""

    api_url: str
    token_file: str
    hook_url: str
    details_url: str
    queue_timeout: int
    build_timeout: int


@dataclass(frozen=True, eq=False, repr=False)
class GatewaySettings:
    """The receiver in front of StackStorm's webhooks; only cicd.check_setup asks it."""

    url: str


@dataclass(frozen=True, eq=False, repr=False)
class StatusPageSettings:
    """The page that shows what runs where; what people are told links to it."""

    url: str


@dataclass(frozen=True, eq=False, repr=False)
class SourceSettings:
    """Where the projects' code is."""

    clone_url: str
    deploy_key_file: str
    token_file: str


@dataclass(frozen=True, eq=False, repr=False)
class SshSettings:
    """How build, repository and app hosts are reached. Host keys are always verified."""

    user: str
    port: int
    private_key_file: str
    known_hosts_file: str
    connect_timeout: int
    parallel: int


@dataclass(frozen=True, eq=False, repr=False)
class PackageSettings:
    """How packages are built, and where."""

    driver: str
    formats: tuple[str, ...]
    lintian: str
    verify_reproducible: str
    service: str
    tag: str
    timeout: int
    build_network: str
    build_memory: int
    build_cpu: int
    build_seconds: int
    build_disk: int


@dataclass(frozen=True, eq=False, repr=False)
class RepositorySettings:
    """The signed APT repository."""

    driver: str
    service: str
    tag: str
    url: str
    distribution: str
    component: str
    architectures: tuple[str, ...]
    name: str
    keep_versions: int
    keep_days: int
    valid_days: int
    config_file: str
    gpg_key: str


@dataclass(frozen=True, eq=False, repr=False)
class DiscoverySettings:
    """How a project's hosts are named in Consul; {project} and {role} are replaced."""

    service: str
    tag: str
    canary_tag: str
    zone_meta: str


@dataclass(frozen=True, eq=False, repr=False)
class DriftSettings:
    """When a host is told of that is not as its ring wants it."""

    silent_seconds: int
    follow_seconds: int


@dataclass(frozen=True, eq=False, repr=False)
class MonitoringSettings:
    """Where the figures are by which a canary is judged, and who is told of hosts that are updated."""

    haproxy: tuple[str, ...]
    prometheus: str
    alertmanager: str
    absence_alerts: tuple[str, ...]
    host_label: str
    absence_grace: int
    icinga: str
    icinga_user: str
    icinga_password_file: str
    icinga_ca_file: str


@dataclass(frozen=True, eq=False, repr=False)
class DeploySettings:
    """How a ring is updated."""

    batches: tuple[str, ...]
    failure_budget: str
    min_healthy: str
    max_canaries: str
    auto_rollback: bool
    time_limit: int
    lost_after: int
    alarm_window: int
    host_timeout: int
    min_bake_seconds: int
    lock_ttl_seconds: int
    lock_wait_seconds: int


@dataclass(frozen=True, eq=False, repr=False)
class AdministrationSettings:
    """What cicd.add_project and cicd.remove_project work with, and nothing else does."""

    consul_token_file: str
    jenkins_user: str
    jenkins_token_file: str
    github_token_file: str
    webhook_secret_file: str
    ssh_user: str
    ssh_key_file: str
    changes_dir: str


class Sections(TypedDict):
    """The sections of a configuration, by name."""

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


KINDS: Mapping[str, Type[Any]] = {
    "consul": ConsulSettings,
    "jenkins": JenkinsSettings,
    "github": GitHubSettings,
    "gateway": GatewaySettings,
    "status_page": StatusPageSettings,
    "source": SourceSettings,
    "ssh": SshSettings,
    "package": PackageSettings,
    "repository": RepositorySettings,
    "discovery": DiscoverySettings,
    "deploy": DeploySettings,
    "drift": DriftSettings,
    "monitoring": MonitoringSettings,
    "administration": AdministrationSettings,
    "machines": MachinesSettings,
}
READERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {"machines": machine_providers.parse}


def parse(config: Mapping[str, Any]) -> Sections:
    """
    Return the sections of *config*, in which the schema refuses nothing.

    A key that is missing or null has the schema's default.
    """
    defaults = config_schema.sections()
    found: dict[str, object] = {}
    for name, kind in KINDS.items():
        values = _values(defaults[name], config.get(name))
        found[name] = READERS[name](values) if name in READERS else kind(**values)
    return cast(Sections, found)


def _values(defaults: Mapping[str, object], given: Mapping[str, object] | None) -> dict[str, object]:
    values = {**defaults, **{key: value for key, value in (given or {}).items() if value is not None}}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
