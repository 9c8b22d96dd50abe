"""What the gateway is told: where it listens, whom it trusts, where it forwards."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.alarms.names import DEFAULT, Names
from gateway.told import ConfigError, Told

READ_SECONDS = 10.0
CONNECTIONS = 256
SLACK_URL = "https://hooks.slack.com/"
SLACK_USER, NAME = re.compile(r"[A-Z0-9]{1,40}"), re.compile(r"[A-Za-z0-9@._-]{1,100}")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}")
KNOWN = {
    "listen": {"host", "port", "read_seconds", "connections"},
    "stackstorm": {"api_url", "api_key_file", "api_key_env"},
    "github": {"url", "secret_files", "secret_envs", "repositories"},
    "jenkins": {"url", "token_file", "token_env", "addresses"},
    "alarm": {"token_file", "token_env", "addresses", "labels", "sns_topics"},
    "slack": {
        "signing_secret_file",
        "signing_secret_env",
        "api_key_file",
        "api_key_env",
        "users",
        "answer_url",
    },
    "consul": {"url", "ca_file", "token_file", "token_env"},
    "spool": set(),
}
OWN = {"secret_files", "secret_envs"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

__all__ = ["Caller", "Config", "ConfigError", "Consul", "GitHub", "read"]


@dataclass(frozen=True)
class GitHub:
    """Which secrets sign: `own` those of one repository, by its name in lower case, `shared` all others."""

    shared: tuple[bytes, ...] = field(repr=False)
    own: Mapping[str, tuple[bytes, ...]] = field(repr=False, default_factory=dict)
    url: str = "https://github.com/"

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Return every secret."""
        return self.shared + tuple(secret for secrets in self.own.values() for secret in secrets)

    def secrets_of(self, repository: str) -> tuple[bytes, ...]:
        """Return the secrets with which an event of *repository* may be signed."""
        return self.own.get(repository.lower(), self.shared)


@dataclass(frozen=True)
class Caller:
    """Who shows a token: `networks`, when there are any, are where from; `url` is where its links lead."""

    token: str = field(repr=False)
    networks: tuple[Network, ...] = ()
    url: str = ""

    def is_at(self, address: str | None) -> bool:
        """Return whether a call may come from *address*."""
        return not self.networks or any(_contains(network, address or "") for network in self.networks)


@dataclass(frozen=True)
class Slack:
    """
    Who signs what is pressed in Slack, and who presses: names in StackStorm by `users` of Slack.

    The key is of a user of StackStorm for whom the pack takes that name, see `chat_accounts`. Answers go to
    the host of `answer_url` alone.
    """

    secret: bytes = field(repr=False, default=b"")
    api_key: str = field(repr=False, default="")
    users: Mapping[str, str] = field(default_factory=dict)
    answer_url: str = SLACK_URL


@dataclass(frozen=True)
class Consul:
    """Where Consul's agent answers, whom its certificate is signed by, and the token that may write joins."""

    url: str = ""
    ca_file: str = ""
    token: str = field(repr=False, default="")


@dataclass(frozen=True)
class Config:
    """The configuration, with every secret read."""

    host: str
    port: int
    api_url: str
    api_key: str = field(repr=False)
    github: GitHub
    jenkins: Caller
    alarm: Caller
    spool: Path
    alarm_names: Names = DEFAULT
    sns_topics: tuple[str, ...] = ()
    read_seconds: float = READ_SECONDS
    connections: int = CONNECTIONS
    slack: Slack = field(default_factory=Slack)
    consul: Consul = field(default_factory=Consul)


def read(path: Path) -> Config:
    """Return the configuration in the YAML file *path*, or raise ConfigError with one sentence."""
    told = Told.read(path)
    told.refuse_unknown(KNOWN)
    jenkins = _caller(told, "jenkins")
    return Config(
        host=told.value(str, "listen", "host"),
        port=told.value(int, "listen", "port"),
        api_url=_url(told, "stackstorm", "api_url").rstrip("/"),
        api_key=told.secret("stackstorm", "api_key"),
        github=_github(told),
        jenkins=jenkins,
        alarm=_caller(told, "alarm") if _has_own_token(told) else jenkins,
        spool=Path(told.value(str, "spool")),
        alarm_names=_alarm_names(told),
        sns_topics=tuple(told.names("alarm", "sns_topics")) if told.has("alarm", "sns_topics") else (),
        read_seconds=told.value((int, float), "listen", "read_seconds", default=READ_SECONDS),
        connections=told.value(int, "listen", "connections", default=CONNECTIONS),
        slack=_slack(told) if told.has("slack") else Slack(),
        consul=_consul(told) if told.has("consul") else Consul(),
    )


def _github(told: Told) -> GitHub:
    names = told.value(dict, "github", "repositories", default={})
    own = {}
    for name in names:
        if not isinstance(name, str) or not REPOSITORY.fullmatch(name):
            raise told.wrong("github.repositories", "has a key that is not an owner/name")
        told.refuse_unknown_below(OWN, "github", "repositories", name)
        own[name.lower()] = told.secrets("github", "repositories", name)
    is_told = told.has("github", "secret_files") or told.has("github", "secret_envs")
    shared = told.secrets("github") if is_told or not own else ()
    return GitHub(shared, own, _url(told, "github", "url", default="https://github.com"))


def _caller(told: Told, section: str) -> Caller:
    url = _url(told, section, "url", default="") if told.has(section, "url") else ""
    return Caller(told.secret(section, "token"), _networks(told, section), url)


def _slack(told: Told) -> Slack:
    users = told.value(dict, "slack", "users")
    for user, name in users.items():
        if not SLACK_USER.fullmatch(str(user)) or not isinstance(name, str) or not NAME.fullmatch(name):
            raise told.wrong(f"slack.users.{user}", "is not a Slack user's ID with a name in StackStorm")
    return Slack(
        secret=told.secret("slack", "signing_secret").encode(),
        api_key=told.secret("slack", "api_key"),
        users={str(key): name for key, name in users.items()},
        answer_url=_url(told, "slack", "answer_url", default=SLACK_URL),
    )


def _consul(told: Told) -> Consul:
    has_token = told.has("consul", "token_file") or told.has("consul", "token_env")
    authority = told.value(str, "consul", "ca_file", default="")
    if authority and not os.access(authority, os.R_OK):
        raise told.wrong("consul.ca_file", "names a file that cannot be read")
    token = told.secret("consul", "token") if has_token else ""
    return Consul(_url(told, "consul", "url"), authority, token)


def _has_own_token(told: Told) -> bool:
    return any(told.has("alarm", name) for name in ("token_file", "token_env", "addresses"))


def _alarm_names(told: Told) -> Names:
    told.refuse_unknown_below(set(vars(DEFAULT)), "alarm", "labels")
    return Names(**{name: _labels(told, name, known) for name, known in vars(DEFAULT).items()})


def _labels(told: Told, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    found = told.names("alarm", "labels", name) if told.has("alarm", "labels", name) else default
    return tuple(found)


def _networks(told: Told, section: str) -> tuple[Network, ...]:
    addresses = told.value(list, section, "addresses", default=[])
    try:
        return tuple(ipaddress.ip_network(address) for address in addresses)
    except ValueError:
        raise told.wrong(f"{section}.addresses", "has an entry that is not an address or network") from None


def _contains(network: Network, address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A socket for both families gives IPv4 callers as ::ffff:192.0.2.1.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found) in network


def _url(told: Told, *keys: str, default: Any = None) -> str:
    text = told.value(str, *keys) if default is None else told.value(str, *keys, default=default)
    if not text.startswith(("http://", "https://")):
        raise told.wrong(".".join(keys), "does not begin with http:// or https://")
    return f"{text.rstrip('/')}/"
