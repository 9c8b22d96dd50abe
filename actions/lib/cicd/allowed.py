"""What a project may take of a host: folders, a user, a unit; and what an operator allows beyond. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Tuple

from cicd.errors import ConfigError
from cicd.release.version import package_name

ANYBODYS = ("/opt", "/srv")
# A folder in one of these is the project's when it has its name.
NAMED = (
    *("/etc", "/run", "/usr/lib", "/usr/local", "/usr/local/lib", "/usr/local/share", "/usr/share"),
    *("/var/cache", "/var/lib", "/var/log", "/var/spool", "/var/www"),
)
# Users that Debian or its services have. www-data is left out: it is there for applications.
SYSTEM_USERS = re.compile(
    r"root|daemon|bin|sys|sync|games|man|lp|mail|news|uucp|proxy|backup|list|irc|gnats|nobody|_.*|systemd-.*"
    r"|messagebus|sshd|polkitd|uuidd|syslog|tss|ntp|postfix|consul|haproxy|puppet|cicd.*|stanley|st2"
)
PATTERNS = {"paths": r"/[A-Za-z0-9._+@/-]*[A-Za-z0-9_+@-]", "users": r"[a-z_][a-z0-9_-]{0,31}"}
UNIT = r"[A-Za-z0-9._+-]+\.service"


@dataclass(frozen=True)
class Allowed:
    """What an operator allows one project: folders and what is below, users, and names of units."""

    paths: Tuple[str, ...] = ()
    users: Tuple[str, ...] = ()
    units: Tuple[str, ...] = ()

    def path(self, project: str, path: str) -> bool:
        """Whether *project* may have *path* made on its hosts."""
        if any(_is_below(folder, path) for folder in ANYBODYS):
            return True
        if any(path == folder or _is_below(folder, path) for folder in self.paths):
            return True
        own = (path[len(folder) + 1 :].partition("/")[0] for folder in NAMED if _is_below(folder, path))
        return any(_is_named(project, name) for name in own)

    def user(self, user: str) -> bool:
        """Whether a project may have *user* own its directories."""
        return user in self.users or not SYSTEM_USERS.fullmatch(user)

    def unit(self, project: str, unit: str) -> bool:
        """Whether *project* may bring a unit of the file name *unit*."""
        return unit in self.units or _is_named(project, unit[: -len(".service")])


NOTHING_MORE = Allowed()


def parse(section: Any, where: str) -> Allowed:
    """Return what *section* of the configuration allows; ConfigError names what is wrong in *where*."""
    values = section or {}
    patterns = {**PATTERNS, "units": UNIT}
    if not isinstance(values, Mapping) or set(values) - set(patterns):
        raise ConfigError(f"`{where}` is not a mapping of {', '.join(patterns)}.", "See cicd.yaml.example.")
    for key, items in values.items():
        wrong = [item for item in _list(items) if not re.fullmatch(patterns[key], str(item))]
        if wrong or not isinstance(items, (list, tuple)):
            raise ConfigError(
                f"`{where}.{key}` is not a list of {key}: {wrong or items!r:.80}.", "Correct it."
            )
    return Allowed(**{key: tuple(items) for key, items in values.items()})


def _list(items: Any) -> Any:
    return items if isinstance(items, (list, tuple)) else ()


def _is_below(folder: str, path: str) -> bool:
    return path.startswith(f"{folder}/")


def _is_named(project: str, name: str) -> bool:
    names = (project, package_name(project))
    return name in names or any(name.startswith((f"{own}-", f"{own}_")) for own in names)
