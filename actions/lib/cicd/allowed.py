"""What a project may take of a host: folders, users, units, names; what an operator allows beyond. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Tuple

from cicd.errors import ConfigError
from cicd.release.version import package_name

ANYBODYS = ("/opt", "/srv")
# A folder in one of these is the project's when it has its name.
NAMED = (
    *("/etc", "/run", "/usr/lib", "/usr/local", "/usr/local/lib", "/usr/local/share", "/usr/share"),
    *("/var/cache", "/var/lib", "/var/log", "/var/spool", "/var/www"),
)
# Users and groups that Debian or its services have. www-data is left out: it is there for applications.
SYSTEM_USERS = re.compile(
    r"root|daemon|bin|sys|sync|games|man|lp|mail|news|uucp|proxy|backup|list|irc|gnats|nobody|_.*|systemd-.*"
    r"|adm|crontab|disk|docker|kmem|kvm|libvirt.*|lxd|netdev|plugdev|shadow|staff|sudo|tty|utmp|wheel"
    r"|messagebus|sshd|polkitd|uuidd|syslog|tss|ntp|postfix|consul|haproxy|puppet|cicd.*|stanley|st2"
)
PATTERNS = {
    "paths": r"/[A-Za-z0-9._+@/-]*[A-Za-z0-9_+@-]",
    "users": r"[a-z_][a-z0-9_-]{0,31}",
    "units": r"[A-Za-z0-9._+-]+@?\.(?:service|socket|timer|path|target)",
    "modes": r"[0-7]{4}",
    "packages": r"[a-z0-9][a-z0-9.+-]+",
}
# Names that folders and files of the system have in those: no project's, whatever it is called.
SYSTEM_NAMES = re.compile(
    r".*\.d|apt|aptly|alternatives|apparmor|bash-completion|ca-certificates|cicd|consul|cron|cron\..*|crontab|dbus-1"
    r"|debconf|default|dpkg|environment|exports|fstab|g?shadow-?|group-?|host\.conf|hostname|hosts(\..*)?|init"
    r"|initramfs-tools|inputrc|issue|kernel|keyrings|ld\..*|locale|localtime|login\.defs|logrotate(\.conf)?|machine-id"
    r"|mime|misc|modules|motd|netplan|network|networks|nsswitch\.conf|opt|pam(\..*)?|passwd-?|perl[0-9.]*|polkit-1"
    r"|private|profile|protocols|python[0-9.]*|rc\..*|resolv\.conf|resolvconf|securetty|security|selinux|services"
    r"|shells|skel|ssh|sshd|ssl|st2|sub[gu]id-?|sudo|sudo[._-].*|sudoers.*|sysctl\.conf|systemd|terminfo|timezone|ucf|udev"
    r"|update-motd|.*-linux-gnu.*|x11|xdg"
)
# A file in one of these is the project's when it begins with its name.
PLACES = re.compile(
    r"/etc/(?:default|cron\.d|logrotate\.d)/([^/]+)"
    r"|/usr/lib/(?:sysusers|tmpfiles)\.d/([^/]+)\.conf"
    r"|/usr/s?bin/([^/]+)"
    r"|/usr/libexec/([^/]+)(?:/.*)?"
    r"|/usr/share/doc/([^/]+)/.*"
    r"|/usr/share/bash-completion/completions/([^/]+)"
    r"|/usr/share/man/(?:[a-z]{2}(?:_[A-Z]{2})?/)?man[1-9]/([^/]+)\.[1-9][a-z]*(?:\.gz)?"
)


@dataclass(frozen=True)
class Allowed:
    """What an operator allows one project: folders and what is below, users, units, modes, other packages."""

    paths: Tuple[str, ...] = ()
    users: Tuple[str, ...] = ()
    units: Tuple[str, ...] = ()
    modes: Tuple[str, ...] = ()
    packages: Tuple[str, ...] = ()

    def path(self, project: str, path: str) -> bool:
        """Whether *project* may have *path* made on its hosts."""
        if any(_is_below(folder, path) for folder in ANYBODYS) or is_in(self.paths, path):
            return True
        own = (path[len(folder) + 1 :].partition("/")[0] for folder in NAMED if _is_below(folder, path))
        return any(_is_own(project, name) for name in own)

    def file(self, project: str, package: str, path: str) -> bool:
        """Whether *package* of *project* may have a file *path*."""
        if self.path(project, path) or self.path(package, path.rpartition("/")[0]):
            return True
        place = PLACES.fullmatch(path)
        return place is not None and any(_is_own(n, place[place.lastindex or 0]) for n in (project, package))

    def user(self, user: str) -> bool:
        """Whether a project may have *user* own its directories."""
        return user in self.users or not SYSTEM_USERS.fullmatch(user)

    def unit(self, project: str, unit: str) -> bool:
        """Whether *project* may bring a unit of the file name *unit*."""
        return unit in self.units or _is_named(project, re.split(r"@|\.[a-z]+$", unit)[0])

    def mode(self, mode: str) -> bool:
        """Whether a file may have *mode*, four octal digits: neither others' rights, nor for all to write."""
        return mode in self.modes or not int(mode, 8) & 0o7002

    def packages_of(self, project: str, package: str) -> List[str]:
        """Return patterns of the names that *package* of *project* may stand for, or exclude."""
        own = sorted({package_name(project), package})
        return [*own, *(f"{name}-*" for name in own), *self.packages]


NOTHING_MORE = Allowed()


def parse(section: Any, where: str) -> Allowed:
    """Return what *section* of the configuration allows; ConfigError names what is wrong in *where*."""
    values = section or {}
    if not isinstance(values, Mapping) or set(values) - set(PATTERNS):
        raise ConfigError(f"`{where}` is not a mapping of {', '.join(PATTERNS)}.", "See cicd.yaml.example.")
    for key, items in values.items():
        wrong = [item for item in _list(items) if not re.fullmatch(PATTERNS[key], str(item))]
        if wrong or not isinstance(items, (list, tuple)):
            raise ConfigError(
                f"`{where}.{key}` is not a list of {key}: {wrong or items!r:.80}.", "Correct it."
            )
    return Allowed(**{key: tuple(items) for key, items in values.items()})


def is_in(folders: Iterable[str], path: str) -> bool:
    """Whether *path* is one of *folders*, or lies below one."""
    return any(path == folder or _is_below(folder, path) for folder in folders)


def _list(items: Any) -> Any:
    return items if isinstance(items, (list, tuple)) else ()


def _is_below(folder: str, path: str) -> bool:
    return path.startswith(f"{folder}/")


def _is_own(project: str, name: str) -> bool:
    return _is_named(project, name) and not SYSTEM_NAMES.fullmatch(name.lower())


def _is_named(project: str, name: str) -> bool:
    names = (project, package_name(project))
    return name in names or any(name.startswith((f"{own}-", f"{own}_")) for own in names)
