"""Runs, jobs and artifacts as GitHub's API and its webhooks show them."""

from __future__ import annotations

import zlib
from typing import Any

from lab.git import event as git_event
from lab.git import profile
from lab.git.event import utc
from lab.github.run import COMPLETED, Run
from lab.github.source import Source
from lab.github.workflow import FOLDER

CLONING = ("clone_url", "git_url", "ssh_url", "svn_url", "mirror_url")


def event(source: Source, run: Run, action: str) -> dict[str, Any]:
    """Return the payload with which GitHub tells that *run* was requested, is in progress or completed."""
    return {
        "action": action,
        "workflow_run": document(source, run),
        "workflow": workflow(run),
        "repository": profile.repository(run.repository),
        "sender": profile.user(run.actor),
    }


def document(source: Source, run: Run) -> dict[str, Any]:
    """Return *run*."""
    base = f"{profile.API}/repos/{run.repository}"
    url = f"{base}/actions/runs/{run.id}"
    suite = run.id + 1
    lite = _lite(run.repository)
    return {
        "id": run.id,
        "name": run.name,
        "node_id": f"WFR_{run.id}",
        "check_suite_id": suite,
        "check_suite_node_id": f"CS_{suite}",
        "head_branch": run.branch,
        "head_sha": run.head_sha,
        "path": f"{FOLDER}/{run.workflow}",
        "display_title": run.title,
        "run_number": run.number,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": workflow(run)["id"],
        "url": url,
        "html_url": f"{profile.SITE}/{run.repository}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": utc(run.created),
        "updated_at": utc(run.updated),
        "actor": profile.user(run.actor),
        "run_attempt": run.attempt,
        "referenced_workflows": [],
        "run_started_at": utc(run.started),
        "triggering_actor": profile.user(run.actor),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{base}/check-suites/{suite}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        "workflow_url": workflow(run)["url"],
        "head_commit": _commit(source, run.head_sha),
        "repository": lite,
        "head_repository": lite,
    }


def workflow(run: Run) -> dict[str, Any]:
    """Return the workflow of *run*."""
    return workflow_file(run.repository, run.workflow, run.name)


def workflow_file(repository: str, file: str, name: str) -> dict[str, Any]:
    """Return the workflow in *file* of *repository*."""
    number = zlib.crc32(f"{repository} {file}".encode())
    page = f"{profile.SITE}/{repository}"
    return {
        "id": number,
        "node_id": f"W_{number}",
        "name": name,
        "path": f"{FOLDER}/{file}",
        "state": "active",
        "created_at": "2015-01-01T00:00:00.000Z",
        "updated_at": "2015-01-01T00:00:00.000Z",
        "url": f"{profile.API}/repos/{repository}/actions/workflows/{number}",
        "html_url": f"{page}/blob/main/{FOLDER}/{file}",
        "badge_url": f"{page}/workflows/{name}/badge.svg",
    }


def job(run: Run) -> dict[str, Any]:
    """Return the one job of *run*; its id is the run's, and one more for each attempt."""
    number = job_id(run)
    base = f"{profile.API}/repos/{run.repository}"
    page = f"{profile.SITE}/{run.repository}/actions/runs/{run.id}/job/{number}"
    return {
        "id": number,
        "run_id": run.id,
        "run_url": f"{base}/actions/runs/{run.id}",
        "run_attempt": run.attempt,
        "node_id": f"CR_{number}",
        "head_sha": run.head_sha,
        "head_branch": run.branch,
        "url": f"{base}/actions/jobs/{number}",
        "html_url": page,
        "status": run.status,
        "conclusion": run.conclusion,
        "created_at": utc(run.created),
        "started_at": utc(run.started),
        "completed_at": utc(run.updated) if run.status == COMPLETED else None,
        "name": "build",
        "steps": [],
        "check_run_url": f"{base}/check-runs/{number}",
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "act",
        "runner_group_id": 1,
        "runner_group_name": "Default",
        "workflow_name": run.name,
    }


def job_id(run: Run) -> int:
    return run.id * 100 + run.attempt


def artifact(run: Run, name: str, size: int) -> dict[str, Any]:
    """Return what *run* uploaded as *name*, a zip of *size* bytes."""
    number = artifact_id(run, name)
    url = f"{profile.API}/repos/{run.repository}/actions/artifacts/{number}"
    ids = dict.fromkeys(("repository_id", "head_repository_id"), profile.repository(run.repository)["id"])
    return {
        "id": number,
        "node_id": f"MDg6QXJ0aWZhY3Q{number}",
        "name": name,
        "size_in_bytes": size,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": False,
        "digest": f"sha256:{run.uploads[name]}",
        "created_at": utc(run.updated),
        "updated_at": utc(run.updated),
        "expires_at": utc(run.updated + 90 * 86400),
        "workflow_run": {"id": run.id, **ids, "head_branch": run.branch, "head_sha": run.head_sha},
    }


def artifact_id(run: Run, name: str) -> int:
    return zlib.crc32(f"{run.id} {name}".encode())


def _commit(source: Source, sha: str) -> dict[str, Any]:
    told = git_event.commit(source.bare, source.name, sha)
    return {key: told[key] for key in ("id", "tree_id", "message", "timestamp", "author", "committer")}


def _lite(name: str) -> dict[str, Any]:
    """Return the repository as it stands in a run: who owns it, and links."""
    whole = profile.repository(name)
    links = {key: value for key, value in whole.items() if key.endswith("_url") and key not in CLONING}
    owner = {key: value for key, value in whole["owner"].items() if key not in ("name", "email")}
    kept = ("id", "node_id", "name", "full_name", "private", "html_url", "description", "fork", "url")
    return {**{key: whole[key] for key in kept}, **links, "owner": owner}
