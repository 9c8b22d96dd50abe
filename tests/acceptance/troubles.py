"""What befalls a repository or the hosts of a ring for minutes, in a running lab."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from lab.hosts.container import Container
from lab.hosts.fleet import base_of
from lab.places import Places
from lab.world import World

SITE = "/etc/nginx/sites-enabled/apt"
GARBAGE = 'location / { default_type text/html; return 200 "<html>Please log in to the network</html>"; }'
HOLDER = "another-package-manager"
HOLD = """import fcntl, signal, subprocess
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
subprocess.run(["systemd-notify", "--ready"], check=True)
signal.pause()
"""

Trouble = Callable[[], AbstractContextManager[None]]


def infra() -> Container:
    return _containers([World.from_environment().infra.name])[0]


def apps() -> list[Container]:
    return _containers([host.name for host in World.from_environment().apps])


def _containers(names: list[str]) -> list[Container]:
    places, world = Places.from_environment(), World.from_environment()
    return [Container(places, world.host(name), base_of(places)) for name in names]


@contextlib.contextmanager
def a_repository_that_hangs() -> Iterator[None]:
    """The kernel accepts for the stopped server, and nothing is ever answered."""
    infra().run("systemctl", "kill", "--signal=STOP", "nginx")
    try:
        yield
    finally:
        infra().run("systemctl", "kill", "--signal=CONT", "nginx")


@contextlib.contextmanager
def a_repository_that_refuses() -> Iterator[None]:
    infra().run("systemctl", "stop", "nginx")
    try:
        yield
    finally:
        infra().run("systemctl", "start", "nginx")


@contextlib.contextmanager
def a_repository_of_garbage() -> Iterator[None]:
    """Whatever is asked for, index, package or provenance, a page comes that is none of it."""
    site = infra().run("cat", SITE)
    infra().write(SITE, site.replace("autoindex on;", GARBAGE))
    infra().run("systemctl", "reload", "nginx")
    try:
        yield
    finally:
        infra().write(SITE, site)
        infra().run("systemctl", "reload", "nginx")


@contextlib.contextmanager
def a_dpkg_that_is_locked() -> Iterator[None]:
    """Another package manager is at work on every host, and holds the lock that apt waits for."""
    unit = ["systemd-run", "--quiet", "--collect", f"--unit={HOLDER}", "--service-type=notify"]
    with contextlib.ExitStack() as ends:
        for host in apps():
            host.run(*unit, "--property=NotifyAccess=all", "python3", "-c", HOLD)
            ends.callback(host.run, "systemctl", "stop", HOLDER)
        yield
