"""The part of a checkup that logs in: build hosts, the repository's host, app hosts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Iterator, Sequence

import requests

from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import CicdError, RepositoryError
from cicd.finding import GOOD, SKIPPED, WRONG, Finding
from cicd.fleet import registrations
from cicd.release.host import ConsulHost, Host
from cicd.release.host_report import Reports
from cicd.repository import index_age, signing_keys
from cicd.repository.apt_index import Repository
from cicd.repository.renewal import distributions
from cicd.sanitize import one_line
from cicd.setup import architectures, sandboxes
from cicd.store.snapshot import Look, Snapshot
from cicd.store.store import Store

SECONDS = 20
SHOWN = 10


@dataclass(frozen=True)
class HostCheckup:
    """The checks of hosts."""

    settings: Settings
    store: Store

    def build_hosts(self) -> Iterator[Finding]:
        """Whether each build host can be logged in to, has its tools, and may read the code."""
        section = self.settings.package
        projects = self.settings.projects.values()
        sources = [(self.settings.clone_url(one), *self.settings.clone_secrets(one)) for one in projects]
        found = self.store.healthy(section.service, section.tag)
        hosts = _hosts(found)
        fix = "Install git and fpm (or nfpm) there, and give its user a key that may read the repositories."
        yield from self._each(
            "build hosts", hosts, "check_build_host", (section.driver, *chain(*sources)), fix
        )
        yield from sandboxes.findings(self.settings, hosts)
        yield from architectures.findings(self.settings, found)

    def repository(self) -> Iterator[Finding]:
        """Whether clients can read the repository, and its host can publish in it."""
        section = self.settings.repository
        yield self._release(f"{section.url.rstrip('/')}/dists/{section.distribution}/Release")
        yield from self._indexes()
        yield from signing_keys.findings(signing_keys.known(self.store), time.time())
        hosts = self._healthy(section.service, section.tag)
        arguments = [section.driver, section.config_file, section.gpg_key]
        fix = "Install the publisher there, and import the signing key for the login that publishes."
        yield from self._each("repository host", hosts, "check_repository_host", arguments, fix)

    def app_hosts(self, project: Project) -> Iterator[Finding]:
        """Whether each host of *project* can be logged in to and may converge, and each ring has one."""
        seen = self.store.look(Look(project))
        found, what = seen.consul_hosts, f"{project.name}'s hosts"
        yield from self._rings(project, seen)
        yield from self._foreign(project, found, seen.reports)
        fix = "Install the package cicd-converge there and describe the project in /etc/cicd/projects."
        if found:
            yield from self._each(what, _hosts(found), "check_app_host", [project.name], fix)

    def _rings(self, project: Project, seen: Snapshot) -> Iterator[Finding]:
        known = [name for name in project.lifecycle.names if not seen.failure(name)]
        for ring in sorted(set(known) - set(seen.rings.values())):
            tags = self.settings.tags(project, project.lifecycle.stage(ring).datacenter)
            said = ", ".join(f"{name} hosts carry the tag {tag}" for name, tag in tags.items() if tag)
            fix = f"Register its service there; {said} as well."
            yield Finding(f"{project.name}'s {ring} ring", WRONG, "has no host in Consul", fix)
        for host in sorted(host for host, ring in seen.rings.items() if not ring):
            fix = f"Register its service with the tag of a ring: {', '.join(known)}."
            yield Finding(f"{project.name} on {host}", WRONG, "its service has no tag of a ring", fix)

    def _foreign(self, project: Project, found: Sequence[ConsulHost], reports: Reports) -> Iterator[Finding]:
        fix = (
            "If nobody changed it in the last minutes, another node wrote it: find out who has a token of "
            f"{project.name}'s hosts, and make new ones."
        )
        noticed = {
            node: f"its agent did not register {report.foreign} on it"
            for node, report in reports.items()
            if report.foreign
        }
        for node, said in sorted({**registrations.foreign(found, reports), **noticed}.items()):
            yield Finding(f"{project.name} on {node}", WRONG, one_line(said, 300), fix)

    def _healthy(self, service: str, tag: str) -> list[Host]:
        return _hosts(self.store.healthy(service, tag))

    def _indexes(self) -> Iterator[Finding]:
        days, repository = self.settings.repository.valid_days, Repository(self.settings)
        try:
            for name in distributions(self.settings):
                yield index_age.finding(name, repository.release(name), days, time.time())
        except RepositoryError as error:
            yield Finding("APT index", SKIPPED, error.message)

    def _release(self, url: str) -> Finding:
        fix = "Start what serves it, correct `repository.url`, or publish a first package."
        try:
            answer = requests.get(url, timeout=SECONDS)
        except requests.RequestException as error:
            return Finding("APT repository", WRONG, f"{url} does not answer ({type(error).__name__})", fix)
        if not answer.ok:
            return Finding("APT repository", WRONG, f"{url} answers {answer.status_code}", fix)
        return Finding("APT repository", GOOD, f"{url} is there")

    def _each(
        self, what: str, hosts: Sequence[Host], script: str, arguments: Sequence[str], fix: str
    ) -> Iterator[Finding]:
        if not hosts:
            yield Finding(
                what, WRONG, "Consul knows no healthy one", "Start one, or correct its service and tag."
            )
            return
        with ThreadPoolExecutor(self.settings.ssh.parallel) as pool:
            looked = list(pool.map(lambda host: (host, self._problem(host, script, arguments, fix)), hosts))
        bad = [(host, problem) for host, problem in looked if problem]
        if len(bad) < len(hosts):
            names = one_line(", ".join(host.name for host, problem in looked if not problem), 200)
            yield Finding(what, GOOD, f"{len(hosts) - len(bad)} of {len(hosts)} are ready: {names}")
        for host, problem in bad[:SHOWN]:
            yield Finding(f"{what}, {host.name}", WRONG, *problem)
        if len(bad) > SHOWN:
            yield Finding(what, SKIPPED, f"{len(bad) - SHOWN} more are not ready")

    def _problem(self, host: Host, script: str, arguments: Sequence[str], fix: str) -> tuple[str, str] | None:
        try:
            with Shell(self.settings, host) as shell:
                return self._said(shell, script, arguments, fix)
        except CicdError as error:
            return error.message, error.hint

    def _said(self, shell: Shell, script: str, arguments: Sequence[str], fix: str) -> tuple[str, str] | None:
        try:
            shell.script(script, arguments, SECONDS)
        except CicdError as error:
            return error.message, fix
        return None


def _hosts(found: Sequence[ConsulHost]) -> list[Host]:
    hosts = {one.name: one.host() for one in found}
    return [hosts[name] for name in sorted(hosts)]
