"""The part of a checkup that asks whether build hosts can run what projects bring as their own build."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Iterator, Mapping, Sequence, Tuple

from cicd.clients.ssh import Shell
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.finding import WRONG, Finding
from cicd.release.host import Host
from cicd.sanitize import one_line

SECONDS = 20
SAID = {"package": "cicd-sandbox is not installed", "sudo": "sudo does not allow {user} to run cicd-sandbox"}
FIX = {
    "package": "Run `apt-get install cicd-sandbox` there; docs/packages.md says how to make that package.",
    "sudo": "Give {user} a rule in /etc/sudoers.d there, like the one that the package has for cicd.",
}


@dataclass(frozen=True)
class Sandbox:
    """What a build host lacks, `package` or `sudo`, and the projects of which it knows that they build."""

    lacks: str = ""
    builds: Tuple[str, ...] = ()


def findings(settings: Settings, hosts: Sequence[Host]) -> Iterator[Finding]:
    """Yield a finding for each of *hosts* that cannot run the builds that any of them knows."""
    words = [word for one in settings.projects.values() for word in (one.name, one.directory)]
    with ThreadPoolExecutor(settings.ssh.parallel) as pool:
        found = list(pool.map(lambda host: _asked(settings, host, words), hosts))
    yield from judged({host.name: one for host, one in zip(hosts, found)}, settings.ssh.user)


def judged(sandboxes: Mapping[str, Sandbox], user: str) -> Iterator[Finding]:
    """Yield what is wrong with *sandboxes*, by host, of which *user* makes use."""
    projects = sorted({project for one in sandboxes.values() for project in one.builds})
    who = one_line(", ".join(projects), 200)
    for host, one in sorted(sandboxes.items()):
        if projects and one.lacks:
            said = f"{SAID[one.lacks].format(user=user)}, which script/build needs of: {who}"
            yield Finding(f"build hosts, {host}", WRONG, said, FIX[one.lacks].format(user=user))


def parsed(output: str) -> Sandbox:
    """Return what check_sandbox.sh printed."""
    pairs = [line.partition("=")[::2] for line in output.splitlines()]
    lacks = next((value for key, value in pairs if key == "lacks" and value in SAID), "")
    return Sandbox(lacks, tuple(value for key, value in pairs if key == "builds"))


def _asked(settings: Settings, host: Host, words: Sequence[str]) -> Sandbox:
    """Return the sandbox of *host*; a host that does not answer is a finding of its own, elsewhere."""
    try:
        with Shell(settings, host) as shell:
            return parsed(shell.script("check_sandbox", words, SECONDS))
    except CicdError:
        return Sandbox()
