"""The configuration's `notices`: read, and refused by name where a target lacks what its kind needs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Container, Mapping, Sequence, Tuple

from cicd import config_file
from cicd.config_schema import Problem
from cicd.errors import ConfigError

WEBHOOK, MAIL, CHATOPS = "webhook", "mail", "chatops"
MATRIX, GRAFANA, IRC, OPENTELEMETRY = "matrix", "grafana", "irc", "opentelemetry"
NEEDED = {
    WEBHOOK: ("url_file",),
    MAIL: ("server", "sender", "recipients"),
    CHATOPS: ("channel",),
    MATRIX: ("homeserver", "room", "token_file"),
    GRAFANA: ("url", "token_file"),
    IRC: ("server", "channel"),
    OPENTELEMETRY: ("url",),
}
POSSIBLE = {
    WEBHOOK: (*NEEDED[WEBHOOK], "buttons"),
    MAIL: (*NEEDED[MAIL], "tls", "user", "password_file"),
    CHATOPS: (*NEEDED[CHATOPS], "route"),
    MATRIX: NEEDED[MATRIX],
    GRAFANA: NEEDED[GRAFANA],
    IRC: (*NEEDED[IRC], "tls", "nick", "password_file"),
    OPENTELEMETRY: (*NEEDED[OPENTELEMETRY], "token_file"),
}
SHARED = ("name", "to", "events", "projects")
LAST_PORT = 65535
ON_REQUEST = ("ci_started",)  # what only a target is told that names it
STARTTLS, IMPLICIT, PLAIN = "starttls", "implicit", "none"


@dataclass(frozen=True, eq=False, repr=False)
class NoticeTarget:
    """
    Who is told of what: *to* is the kind, `events` and `projects` are all of them when empty.

    `name` is what its memory goes by. The other keys are each of one kind, see config.schema.yaml.
    """

    name: str
    to: str
    events: Tuple[str, ...] = ()
    projects: Tuple[str, ...] = ()
    url_file: str = ""
    server: str = ""
    tls: str = STARTTLS
    sender: str = ""
    recipients: Tuple[str, ...] = ()
    user: str = ""
    password_file: str = ""
    channel: str = ""
    route: str = "chatops"
    nick: str = "cicd"
    homeserver: str = ""
    room: str = ""
    token_file: str = ""
    url: str = ""
    buttons: bool = False

    @property
    def files(self) -> Tuple[str, ...]:
        """The files with its secrets."""
        return tuple(filter(None, (self.url_file, self.password_file, self.token_file)))

    def wants(self, *events: str) -> bool:
        """Whether it is told of one of *events*."""
        return any(one in self.events if self.events else one not in ON_REQUEST for one in events)


def parse(
    given: Sequence[Mapping[str, Any]] | None, projects: Container[str] | None
) -> Tuple[NoticeTarget, ...]:
    """
    Return the targets that are *given*, of a configuration with these *projects*; None where files may go.

    ConfigError names the key that is missing, or of no use; the schema refuses nothing in what is given.
    """
    found: list[NoticeTarget] = []
    for number, values in enumerate(given or []):
        target = _target({key: value for key, value in values.items() if value not in (None, "", [])})
        wrong = _problem(values, target, projects, [one.name for one in found])
        if wrong:
            problem = Problem(("notices", number, wrong[0]), wrong[1])
            raise ConfigError(
                f"`{problem.name}` {problem.why} in {config_file.place(problem.keys)}.",
                config_file.correction(problem.keys, "docs/notices.md"),
            )
        found.append(target)
    return tuple(found)


def _target(values: Mapping[str, Any]) -> NoticeTarget:
    tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    known = {one.name: tuples[one.name] for one in fields(NoticeTarget) if one.name in tuples}
    return NoticeTarget(**known)  # type: ignore[arg-type]  # the schema has the types


def _problem(
    given: Mapping[str, Any], target: NoticeTarget, projects: Container[str] | None, names: Container[str]
) -> tuple[str, str] | None:
    missing = [key for key in NEEDED[target.to] if not getattr(target, key)]
    foreign = [key for key in given if key not in (*SHARED, *POSSIBLE[target.to]) and given[key] is not None]
    unknown = [name for name in target.projects if projects is not None and name not in projects]
    if target.name in names:
        return "name", f"is {target.name}, which another target is called"
    if missing:
        return missing[0], f"is missing, which `to: {target.to}` needs"
    if foreign:
        return foreign[0], f"is nothing that `to: {target.to}` has"
    if unknown:
        return "projects", f"names {unknown[0]:.80}, which is not a project"
    return _unsafe(target)


def _unsafe(target: NoticeTarget) -> tuple[str, str] | None:
    port = int(target.server.rpartition(":")[2] or 1)
    if not 0 < port <= LAST_PORT:
        return "server", f"has the port {port}, which there is not"
    if target.to == IRC and not target.channel.startswith("#"):
        return "channel", "does not begin with #, as a channel of IRC does"
    if target.to == MAIL and bool(target.user) != bool(target.password_file):
        return "password_file" if target.user else "user", "is missing: a login needs both"
    if target.password_file and target.tls == PLAIN:
        return "tls", "is `none`, and would send the password to anyone who listens"
    return None
