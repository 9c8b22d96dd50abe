"""What Jenkins' Notification plugin sends to its endpoints."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import unquote

from lab.jenkins.build import Build, place

TIMEOUT_SECONDS = 30  # the plugin's own


def payload(build: Build, phase: str, timestamp: int, root: str) -> dict[str, Any]:
    """Return the plugin's JSON for *phase* of *build*; as there, what is not known yet is left out."""
    state: dict[str, Any] = {
        "full_url": f"{root}{build.path}",
        "number": build.number,
        "queue_id": build.queue_id,
        "timestamp": timestamp,
        "duration": build.duration,
        "phase": phase,
        "url": build.path,
        "scm": _scm(build),
        "parameters": dict(build.parameters),
        "log": "",
        "notes": "",
        "artifacts": {},
    }
    if not build.parameters:
        del state["parameters"]
    # Jenkins sets a result only when the build has one.
    if build.result is not None:
        state["status"] = build.result
    # As the plugin: the name of a job is its last part, and only its address says in which folder it lies.
    name = build.job.rpartition("/")[2]
    return {"name": name, "display_name": unquote(name), "url": place(build.job), "build": state}


def send(url: str, body: dict[str, Any]) -> None:
    """POST *body* to *url*; like the plugin, take any answer. OSError when there is none."""
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    request = urllib.request.Request(url, data, headers, method="POST")
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError:
        return


def _scm(build: Build) -> dict[str, Any]:
    scm: dict[str, Any] = {"changes": build.changes, "culprits": []}
    if build.revision:
        scm["url"] = build.parameters.get("REPOSITORY", "")
        scm["branch"] = f"origin/{build.parameters.get('BRANCH', '')}"
        scm["commit"] = build.revision
    return scm
