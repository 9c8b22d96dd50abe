"""What was told of commits: statuses and deployments, kept in one JSON file."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from lab.git import profile

STATUS_STATES = {"error", "failure", "pending", "success"}
DEPLOYMENT_STATES = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}


class Invalid(Exception):
    """The request has a value that GitHub answers with 422."""


class Record:
    """Statuses by commit, deployments with their statuses; newest first, as GitHub lists them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {"last": 0, "statuses": {}, "deployments": []}
        if path.exists():
            self._known = json.loads(path.read_text())

    def statuses(self, commit: str) -> list[dict[str, Any]]:
        """Return all statuses of *commit*."""
        return list(self._known["statuses"].get(commit, []))

    def add_status(self, repository: str, commit: str, body: dict[str, Any], creator: str) -> dict[str, Any]:
        """Return the new status of *commit* that *body* asks for."""
        with self._lock:
            status = {
                "url": f"{profile.API}/repos/{repository}/statuses/{commit}",
                "avatar_url": profile.user(creator)["avatar_url"],
                **self._common("SC"),
                **_wanted(body, STATUS_STATES),
                "target_url": body.get("target_url"),
                "context": body.get("context", "default"),
                "creator": profile.user(creator),
            }
            self._known["statuses"].setdefault(commit, []).insert(0, status)
            self._save()
        return status

    def deployments(self) -> list[dict[str, Any]]:
        """Return all deployments."""
        return [{k: v for k, v in one.items() if k != "statuses"} for one in self._known["deployments"]]

    def add_deployment(self, repository: str, body: dict[str, Any], creator: str) -> dict[str, Any]:
        """Return the new deployment that *body* asks for."""
        with self._lock:
            common = self._common("DE")
            base = f"{profile.API}/repos/{repository}"
            deployment = {
                "url": f"{base}/deployments/{common['id']}",
                **common,
                "sha": body["ref"],
                "ref": body["ref"],
                "task": body.get("task", "deploy"),
                "payload": body.get("payload", {}),
                "original_environment": body.get("environment", "production"),
                "environment": body.get("environment", "production"),
                "description": _short(body.get("description")),
                "creator": profile.user(creator),
                "statuses_url": f"{base}/deployments/{common['id']}/statuses",
                "repository_url": base,
                "transient_environment": bool(body.get("transient_environment")),
                "production_environment": bool(body.get("production_environment")),
            }
            self._known["deployments"].insert(0, {**deployment, "statuses": []})
            self._save()
        return deployment

    def deployment_statuses(self, number: int) -> list[dict[str, Any]]:
        """Return all statuses of deployment *number*; KeyError when there is none."""
        return list(self._deployment(number)["statuses"])

    def add_deployment_status(self, number: int, body: dict[str, Any], creator: str) -> dict[str, Any]:
        """Return the new status of deployment *number*; success makes earlier ones inactive."""
        with self._lock:
            deployment = self._deployment(number)
            status = self._deployment_status(deployment, body, creator)
            if status["state"] == "success" and body.get("auto_inactive", True):
                self._retire_others(deployment, creator)
            self._save()
        return status

    def _deployment(self, number: int) -> dict[str, Any]:
        return next(one for one in self._known["deployments"] if one["id"] == number)

    def _deployment_status(
        self, deployment: dict[str, Any], body: dict[str, Any], creator: str
    ) -> dict[str, Any]:
        common = self._common("DES")
        status = {
            "url": f"{deployment['statuses_url']}/{common['id']}",
            **common,
            **_wanted(body, DEPLOYMENT_STATES),
            "creator": profile.user(creator),
            "environment": deployment["environment"],
            "target_url": body.get("target_url") or body.get("log_url") or "",
            "log_url": body.get("log_url", ""),
            "environment_url": body.get("environment_url", ""),
            "deployment_url": deployment["url"],
            "repository_url": deployment["repository_url"],
        }
        deployment["statuses"].insert(0, status)
        return status

    def _retire_others(self, deployment: dict[str, Any], creator: str) -> None:
        for other in self._known["deployments"]:
            is_earlier = other["environment"] == deployment["environment"] and other["id"] < deployment["id"]
            if is_earlier and other["statuses"] and other["statuses"][0]["state"] == "success":
                self._deployment_status(other, {"state": "inactive"}, creator)

    def _common(self, kind: str) -> dict[str, Any]:
        self._known["last"] += 1
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        number = self._known["last"]
        return {"id": number, "node_id": f"{kind}_{number}", "created_at": now, "updated_at": now}

    def _save(self) -> None:
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self._known))
        partial.rename(self._path)


def _wanted(body: dict[str, Any], states: set[str]) -> dict[str, Any]:
    if body.get("state") not in states:
        raise Invalid("State is not included in the list")
    return {"state": body["state"], "description": _short(body.get("description"))}


def _short(description: Any) -> Any:
    if isinstance(description, str) and len(description) > 140:
        raise Invalid("Description is too long (maximum is 140 characters)")
    return description
