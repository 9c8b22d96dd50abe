"""Every connection and permission that the pack needs, tried: what is wrong, and how to correct it."""

from __future__ import annotations

import configparser
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping, Sequence

import requests

from cicd import config
from cicd.ci import missed_pushes
from cicd.clients.github import GitHub
from cicd.clients.stackstorm import StackStorm
from cicd.config import Project, Settings
from cicd.deploy import executions
from cicd.errors import CicdError, ConsulError, GitHubError
from cicd.finding import GOOD, SKIPPED, WARNING, WRONG, Finding
from cicd.setup import (
    ci_checks,
    configured,
    host_checks,
    load_balancers,
    monitoring_checks,
    provider_checks,
    sensor_life,
    webhooks,
)
from cicd.store.datacenter import stamp_key
from cicd.store.store import Store

TIMEOUT_SECONDS = 10
IMPOSSIBLE_INDEX = 2**53
ST2_CONF = "/etc/st2/st2.conf"


@dataclass(frozen=True)
class Checkup:
    """The checks of one configuration; *projects* are those that are looked at."""

    settings: Settings
    projects: Sequence[Project]
    given: Mapping[str, object]  # the configuration as it was given, which sensors must read, too
    stackstorm: StackStorm

    def findings(self) -> list[Finding]:
        """Return what was found, in the order of the pipeline; nothing is changed anywhere."""
        store = Store(self.settings)
        hosts = host_checks.HostCheckup(self.settings, store)
        parts: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
            ("configuration", lambda: configured.findings(store, self.settings, self.given)),
            ("gateway", self._gateway),
            ("GitHub", self._github),
            ("CI", lambda: ci_checks.findings(self.settings, self.projects)),
            ("Consul", lambda: self._consul(store)),
            ("build hosts", hosts.build_hosts),
            ("APT repository", hosts.repository),
            *((f"{p.name}'s hosts", lambda p=p: hosts.app_hosts(p)) for p in self.projects),
            ("load balancers", lambda: load_balancers.findings(self.settings, store, self.projects)),
            ("monitoring", lambda: monitoring_checks.findings(self.settings)),
            ("machines", lambda: provider_checks.findings(self.settings)),
            ("coordination backend", coordination),
            ("secrets", self._secrets),
            ("sensors", lambda: sensor_life.findings(store, self.settings, self.given, time.time())),
            ("executions", lambda: executions.findings(self.settings, store, self.stackstorm)),
        ]
        with ThreadPoolExecutor(len(parts)) as pool:
            return [finding for found in pool.map(_tried, parts) for finding in found]

    def _gateway(self) -> Iterator[Finding]:
        url = self.settings.gateway.url.rstrip("/")
        if not url:
            yield Finding("gateway", SKIPPED, "none is configured: GitHub posts straight to StackStorm")
            return
        try:
            answer = requests.get(f"{url}/healthz", timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            fix = "Start cicd-gateway.service, or correct `gateway.url`."
            yield Finding("gateway", WRONG, f"{url} does not answer ({type(error).__name__})", fix)
            return
        fix = "Read `journalctl -u cicd-gateway`."
        state = GOOD if answer.ok else WRONG
        yield Finding("gateway", state, f"{url} answers {answer.status_code}", "" if answer.ok else fix)

    def _github(self) -> Iterator[Finding]:
        github = GitHub(self.settings)
        if not github.has_token:
            said = "no github.token_file: GitHub gets no reports, and lost pushes are found by git ls-remote"
            yield Finding("GitHub token", WARNING, said, "Make a token and name its file there.")
        for project in self.projects:
            what = f"GitHub {project.repository}"
            try:
                remote = missed_pushes.where(self.settings, project, github)
            except GitHubError as error:
                yield Finding(what, WRONG, error.message, error.hint)
                continue
            branch = f"branch {remote.branch} is at {remote.commit[:7]}" if remote else "it is busy"
            yield Finding(what, GOOD if remote else WARNING, branch)
            if github.has_token:
                yield from self._permissions(github, project)

    def _permissions(self, github: GitHub, project: Project) -> Iterator[Finding]:
        what = f"GitHub {project.repository}"
        given = github.repository(project.repository).get("permissions") or {}
        if not given.get("push"):
            fix = "Give the token write access to commit statuses and deployments."
            yield Finding(what, WRONG, "the token may not write statuses", fix)
        wanted = self.settings.github.hook_url
        if not wanted:
            return
        try:
            yield webhooks.finding(f"{what} webhook", github.hooks(project.repository), wanted)
        except GitHubError as error:
            fix = "Give it admin:repo_hook, or leave github.hook_url empty."
            yield Finding(f"{what} webhook", WARNING, error.message, fix)

    def _secrets(self) -> Iterator[Finding]:
        needed = config.unreadable(self.settings, (*config.READ_BY_ACTIONS, *config.READ_BY_ADMINISTRATION))
        for path in (*needed, *config.unreadable_for_notices(self.settings)):
            fix = "Create it, or let the user of st2actionrunner read it."
            yield Finding("secrets", WRONG, f"actions cannot read {path}", fix)

    def _consul(self, store: Store) -> Iterator[Finding]:
        key = f"cicd/check/{time.time_ns()}"
        store.put(key, {"at": time.time()})
        store.delete(key)
        yield Finding("Consul", GOOD, f"{self.settings.consul.url} reads and writes cicd/")
        for project in self.projects:
            contracts = list(self.settings.version_keys(project).values())
            for contract in contracts:
                # A compare-and-set that cannot fit changes nothing, and is refused to whom may not write.
                store.try_to_write(contract, IMPOSSIBLE_INDEX)
            yield Finding(
                f"Consul {contracts[-1] if contracts else project.name}",
                GOOD,
                "the advertised versions may be written",
            )
            yield from self._datacenters(store, project)

    def _datacenters(self, store: Store, project: Project) -> Iterator[Finding]:
        for name in project.lifecycle.datacenters:
            what, there = f"{project.name} in Consul's datacentre {name}", store.elsewhere.catalog(name)
            try:
                for key in [stamp_key(project.name), *self.settings.version_keys(project, name).values()]:
                    there.try_to_write(key, IMPOSSIBLE_INDEX)
            except ConsulError as error:
                yield Finding(what, WRONG, error.message, error.hint)
                continue
            yield Finding(what, GOOD, "what its rings are wanted to run may be written")


def text(findings: Sequence[Finding]) -> str:
    """Return *findings* as lines to read, what is wrong with how to correct it."""
    return "\n".join(finding.line for finding in findings)


def coordination() -> Iterator[Finding]:
    """Say whether StackStorm has the backend that its policies, joins and with-items need."""
    what, path = "coordination backend", os.environ.get("ST2_CONFIG_PATH") or ST2_CONF
    conf = configparser.RawConfigParser(strict=False)
    try:
        with open(path, encoding="utf-8") as file:
            conf.read_file(file)
    except OSError:
        yield Finding(what, SKIPPED, f"{path} is not readable here; one machine with st2local needs none")
        return
    except configparser.Error as error:
        yield Finding(what, WRONG, f"{path} cannot be read: {type(error).__name__}", "Correct the file.")
        return
    if conf.get("action_sensor", "enable", fallback="True").strip().lower() in ("false", "no", "0"):
        fix = f"Set enable = True in [action_sensor] of {path}, then st2ctl restart."
        yield Finding(
            "action sensor", WRONG, "rules do not see executions end, so queued builds never start", fix
        )
    url = conf.get("coordination", "url", fallback="")
    fix = f"Set url = redis://HOST:6379 in [coordination] of {path}, then st2ctl restart."
    kind = url.partition("://")[0]
    said = f"{kind} is set" if url else "none is set: concurrency policies do not hold, joins may be lost"
    yield Finding(what, GOOD if url else WRONG, said, "" if url else fix)


def _tried(part: tuple[str, Callable[[], Iterator[Finding]]]) -> list[Finding]:
    what, question = part
    found: list[Finding] = []
    try:
        found.extend(question())
    except CicdError as error:
        found.append(Finding(what, WRONG, error.message, error.hint))
    return found
