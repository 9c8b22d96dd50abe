"""The part of a checkup that asks whether build hosts build for every architecture that a project wants."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Iterator, Mapping, Sequence, Tuple

from cicd.clients.ssh import Shell
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.finding import WRONG, Finding
from cicd.package import answers, fpm_json
from cicd.package.architectures import FIX
from cicd.package.build_hosts import ARCHITECTURE_TAG, architectures_of
from cicd.release.host import ConsulHost
from cicd.sanitize import one_line

SECONDS = 20


@dataclass(frozen=True)
class BuildHost:
    """
    For which architectures a build host carries the tag, and for which it *builds* by its own word.

    *wanted* are the architectures, by project, of the newest fpm.json that it has. A host that did not
    answer builds for none.
    """

    tagged: Tuple[str, ...] = ()
    builds: Tuple[str, ...] = ()
    wanted: Mapping[str, Sequence[str]] = field(default_factory=dict)


def findings(settings: Settings, hosts: Sequence[ConsulHost]) -> Iterator[Finding]:
    """Yield a finding for each architecture that none of *hosts* builds for, and each untrue tag."""
    words = [word for one in settings.projects.values() for word in (one.name, one.directory)]
    with ThreadPoolExecutor(settings.ssh.parallel) as pool:
        found = list(pool.map(lambda host: _asked(settings, host, words), hosts))
    yield from judged({host.name: one for host, one in zip(hosts, found)})


def judged(hosts: Mapping[str, BuildHost]) -> Iterator[Finding]:
    """Yield what is wrong with *hosts*, by name."""
    for name, host in sorted(hosts.items()):
        for one in host.tagged:
            if host.builds and one not in host.builds:
                said = f"carries the tag {ARCHITECTURE_TAG}{one}, but its dpkg is {' and '.join(host.builds)}"
                yield Finding(
                    f"build hosts, {name}", WRONG, one_line(said, 300), FIX.format(architecture=one)
                )
    tagged = {one for host in hosts.values() for one in host.tagged}
    wanted = {project: one for host in hosts.values() for project, one in host.wanted.items()}
    for project, architectures in sorted(wanted.items()):
        for one in architectures:
            if one not in tagged:
                said = f"none carries the tag {ARCHITECTURE_TAG}{one}, which fpm.json of {project} needs"
                fix = "Give the tag to a build host of that architecture; docs/packages.md says how."
                yield Finding("build hosts", WRONG, said, fix)


def parsed(output: str, tags: Sequence[str]) -> BuildHost:
    """Return what check_architectures.sh printed on a host with these *tags*."""
    pairs = [line.partition("=")[::2] for line in output.splitlines()]
    texts = [value.partition(" ")[::2] for key, value in pairs if key == "fpm_json"]
    wanted = {project: _architectures(encoded) for project, encoded in texts}
    builds = tuple(value for key, value in pairs if key == "builds")
    return BuildHost(tuple(architectures_of(tags)), builds, wanted)


def _architectures(encoded: str) -> Sequence[str]:
    """Return what an fpm.json, in base64, has as `architectures`; one that is not sound says none."""
    try:
        values, _ = fpm_json.parse(answers.fpm_json(encoded))
    except CicdError:
        return ()
    return tuple(dict.fromkeys(values.get("architectures", ())))


def _asked(settings: Settings, host: ConsulHost, words: Sequence[str]) -> BuildHost:
    """Return what *host* says; one that does not answer is a finding of its own, elsewhere."""
    try:
        with Shell(settings, host.host()) as shell:
            return parsed(shell.script("check_architectures", words, SECONDS), host.tags)
    except CicdError:
        return BuildHost(tuple(architectures_of(host.tags)))
