"""What is in the root filesystem that all hosts share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = (
    "aptly",
    "binutils",
    "ca-certificates",
    "curl",
    "dbus",
    "git",
    "gpg",
    "gpg-agent",
    "gpgv",
    "haproxy",
    "iproute2",
    "jq",
    "nginx-light",
    "openssh-client",
    "openssh-server",
    "procps",
    "python3",
    "sudo",
    "systemd",
    "systemd-sysv",
)
# What ordinary builds need beside them, on Jenkins and the build hosts alone: an app host must not have what
# a package has forgotten to depend on.
BUILD_TOOLS = ("build-essential", "python3-dev", "python3-venv", "slirp4netns")
# Units that would reach for the shared network, the machine's devices, or a console.
MASKED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "systemd-logind.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
)
# Enabled again only on the host whose role it is.
DISABLED = ("haproxy.service", "nginx.service")
USERS = {"cicd": 1000, "git": 1001, "jenkins": 1002, "consul": 1003}
SHELLS = {"git": "/usr/bin/git-shell", "consul": "/usr/sbin/nologin"}
HOMES = {"root": "/root", "git": "/srv/git", "consul": "/var/lib/consul"}
REMOVED = (
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/apt/sources.list",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "etc/nginx/sites-enabled/default",
    "usr/sbin/policy-rc.d",
)
LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the tree contains; *ruby* is there for FPM."""

    ruby: bool = False
    packages: tuple[str, ...] = field(default=PACKAGES)
    build_tools: tuple[str, ...] = field(default=BUILD_TOOLS)

    @property
    def include(self) -> tuple[str, ...]:
        return (*self.packages, "ruby") if self.ruby else self.packages

    @property
    def digest(self) -> str:
        """Names the tree: another recipe, or another way to cook it, gives another one."""
        return _digest("rootfs.py", self.include)

    @property
    def tools_digest(self) -> str:
        """Names the layer with the build tools, which fits that tree alone."""
        return _digest("layer.py", (self.digest, *self.build_tools))


def _digest(cook: str, packages: tuple[str, ...]) -> str:
    code = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("recipe.py", cook))
    return hashlib.sha256(code + repr(packages).encode()).hexdigest()[:12]


def home_of(user: str) -> str:
    """Return the home folder of *user*."""
    return HOMES.get(user, f"/home/{user}")
