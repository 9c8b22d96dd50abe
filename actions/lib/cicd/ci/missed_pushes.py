"""Pushes that GitHub's webhook did not tell: found by where branches are, and put in all the same."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import Iterator

from cicd import identifiers
from cicd.ci import event_log, github_event, github_push
from cicd.ci.build_reconciler import Event
from cicd.ci.github_push import KeptPush
from cicd.ci.push import HEADS, Decision, Push
from cicd.ci.queue_store import Turns
from cicd.clients.github import Delivery, GitHub, GitHubBusy
from cicd.config import Project, Settings
from cicd.errors import GitHubError
from cicd.sanitize import neutral
from cicd.store.store import Store

MISSED = "cicd.push_missed"
PATIENCE_SECONDS = 30  # an event that is on its way
LS_REMOTE_SECONDS = 30
FILES_LIMIT = 300  # GitHub lists no more
ATTEMPTS_LIMIT = 5
REDELIVERED_SECONDS = 3 * 24 * 3600


@dataclass(frozen=True)
class Remote:
    """Where a branch is: its newest commit, and what GitHub says of the repository."""

    branch: str
    commit: str
    message: str = ""
    user: str = ""
    author: str = ""
    fork: bool = False
    archived: bool = False


class Missed:
    """Compares branches with what came; remembers since when each unknown head is there."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[str, float]] = {}

    def find(self, settings: Settings, store: Store, github: GitHub) -> Iterator[Event]:
        """Yield an event for every project whose branch is where no push that came has led."""
        for project in settings.projects.values():
            turns, remote = Turns(store, project.name), where(settings, project, github)
            if remote is not None and self._is_missing(turns, project, remote):
                trace = identifiers.trace_tag(project.repository, remote.commit)
                yield Event(MISSED, told(project, remote, turns, github), trace)

    def _is_missing(self, turns: Turns, project: Project, remote: Remote) -> bool:
        lane = turns.lane()
        if lane.head is None:
            _begin(turns, project, remote)
            return False
        if remote.commit == lane.head.commit:
            return False
        head, since = self._since.get(project.name, ("", 0.0))
        if head != remote.commit:
            self._since[project.name] = (remote.commit, time.monotonic())
            return False
        return time.monotonic() - since >= PATIENCE_SECONDS


def where(settings: Settings, project: Project, github: GitHub) -> Remote | None:
    """Return where *project*'s branch is, from GitHub's API, or by `git ls-remote` without a token."""
    if not github.has_token:
        return _ls_remote(settings, project)
    try:
        repository = github.repository(project.repository)
        branch = project.branch or identifiers.check("branch", repository["default_branch"])
        head = github.head(project.repository, branch)
    except GitHubBusy:
        return None
    commit = head.get("commit") or {}
    return Remote(
        branch,
        identifiers.check("commit", head["sha"]),
        str(commit.get("message", "")),
        str((head.get("committer") or {}).get("login", "")),
        str((head.get("author") or {}).get("login", "")),
        repository.get("fork") is True,
        repository.get("archived") is True,
    )


def told(project: Project, remote: Remote, turns: Turns, github: GitHub) -> KeptPush:
    """Return the reduced event that the webhook should have told."""
    head = turns.lane().head
    before = head.commit if head else ""
    paths, complete, forced = _changed(project, before, remote.commit, github)
    user = remote.user if github_event.is_login(remote.user) else "unknown"
    return {
        "source": "missed",
        "ref": f"{HEADS}{remote.branch}",
        "before": before,
        "after": remote.commit,
        "created": False,
        "deleted": False,
        "forced": forced,
        "repository": {
            "full_name": project.repository,
            "default_branch": remote.branch,
            "fork": remote.fork,
            "archived": remote.archived,
        },
        "pusher": {"name": user},
        "cicd": github_event.told(remote.message, paths, complete, [{"login": remote.author}]),
    }


def redeliver(settings: Settings, github: GitHub) -> int:
    """Ask GitHub to deliver again what did not arrive in three days; returns how much that is."""
    wanted = settings.github.hook_url
    if not (github.has_token and wanted):
        return 0
    count = 0
    for repository in sorted({project.repository for project in settings.projects.values()}):
        for hook in github.hooks(repository):
            if str((hook.get("config") or {}).get("url", "")).partition("?")[0] == wanted:
                for delivery in failed(github.deliveries(repository, int(hook["id"])), time.time()):
                    github.redeliver(repository, int(hook["id"]), delivery)
                    count += 1
    return count


def failed(attempts: list[Delivery], now: float) -> list[int]:
    """Return the newest attempt of each push that never arrived; *attempts* is newest first."""
    by_guid: dict[str, list[Delivery]] = {}
    for attempt in attempts:
        if attempt.get("event") == "push":
            by_guid.setdefault(str(attempt["guid"]), []).append(attempt)
    return [int(tries[0]["id"]) for tries in by_guid.values() if _is_worth_another(tries, now)]


def _is_worth_another(tries: list[Delivery], now: float) -> bool:
    age = now - github_push.seconds(str(tries[0].get("delivered_at", "")))
    arrived = any(200 <= int(attempt.get("status_code") or 0) < 300 for attempt in tries)
    return not arrived and len(tries) < ATTEMPTS_LIMIT and PATIENCE_SECONDS < age < REDELIVERED_SECONDS


def _begin(turns: Turns, project: Project, remote: Remote) -> None:
    # What was there before anybody watched is no push: it is not built on its own.
    first = Push(
        project.repository,
        HEADS + remote.branch,
        remote.commit,
        default_branch=remote.branch,
    )
    turns.see(first)
    reason = "the branch was there when it was first looked at; cicd.git_push builds it"
    event_log.record(turns.store, first, project.name, Decision(False, reason), "missed", time.time())


def _changed(project: Project, before: str, after: str, github: GitHub) -> tuple[list[str], bool, bool]:
    if not (github.has_token and before):
        return [], False, False
    try:
        found = github.compare(project.repository, before, after)
    except GitHubError:
        return [], False, True  # what is not comparable was replaced
    files = [str(file.get("filename", "")) for file in found.get("files") or []]
    ahead = found.get("status") == "ahead"
    return files, ahead and 0 < len(files) < FILES_LIMIT, not ahead


def _ls_remote(settings: Settings, project: Project) -> Remote | None:
    ref = f"{HEADS}{project.branch}" if project.branch else "HEAD"
    argv = ["git", "ls-remote", "--symref", "--", settings.clone_url(project), ref]
    try:
        done = subprocess.run(
            argv,
            env=_git_environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LS_REMOTE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitHubError(
            f"`git ls-remote` of {project.repository} did not run ({type(error).__name__}).",
            "Install git where the sensors run, or give `github.token_file`.",
        ) from None
    if done.returncode != 0:
        said = neutral(done.stderr.decode("utf-8", "replace").strip(), 300)
        raise GitHubError(
            f"`git ls-remote` of {project.repository} failed: {said}",
            "Let the key in `ssh.private_key_file` read the repository, or give `github.token_file`.",
        )
    return _parsed(done.stdout.decode("utf-8", "replace"), project.branch)


def _parsed(output: str, branch: str) -> Remote | None:
    commit = ""
    for line in output.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith(f"ref: {HEADS}") and name == "HEAD":
            branch = branch or value[len(f"ref: {HEADS}") :]
        elif name in ("HEAD", f"{HEADS}{branch}"):
            commit = value
    return (
        Remote(identifiers.check("branch", branch), identifiers.check("commit", commit)) if commit else None
    )


def _git_environment(settings: Settings) -> dict[str, str]:
    key, hosts = settings.ssh.private_key_file, settings.ssh.known_hosts_file
    options = "-o BatchMode=yes -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    return {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": f"ssh -i '{key}' -o UserKnownHostsFile='{hosts}' {options}",
    }
