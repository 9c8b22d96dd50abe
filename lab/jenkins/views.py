"""Jobs and queue items as Jenkins' remote API shows them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from lab.jenkins.build import Build, place
from lab.jenkins.job_config import NOTIFIER, JobConfig
from lab.jenkins.queue import Item

COLORS = {
    "SUCCESS": "blue",
    "UNSTABLE": "yellow",
    "FAILURE": "red",
    "ABORTED": "aborted",
    "NOT_BUILT": "notbuilt",
    None: "notbuilt",
}


def server(jobs: dict[str, list[Build]], root: str) -> dict[str, Any]:
    """Return the front page."""
    return {
        "_class": "hudson.model.Hudson",
        "mode": "NORMAL",
        "nodeDescription": "the lab's stand-in for Jenkins",
        "numExecutors": 2,
        "jobs": [short(name, builds, root) for name, builds in jobs.items() if "/" not in name],
        "url": root,
        "useCrumbs": True,
        "useSecurity": True,
        "views": [{"_class": "hudson.model.AllView", "name": "all", "url": root}],
    }


def short(name: str, builds: list[Build], root: str) -> dict[str, Any]:
    """Return a job as lists show it."""
    last = next((build.result for build in reversed(builds) if build.result), None)
    running = bool(builds) and builds[-1].result is None
    color = COLORS[last] + ("_anime" if running else "")
    return {
        "_class": "hudson.model.FreeStyleProject",
        "name": name.rpartition("/")[2],
        "url": f"{root}{place(name)}",
        "color": color,
    }


def job(name: str, builds: list[Build], root: str, queued: bool, config: JobConfig) -> dict[str, Any]:
    """Return a job's page; builds newest first."""
    newest = builds[::-1]
    return {
        **short(name, builds, root),
        "_class": config.kind,
        "displayName": unquote(name.rpartition("/")[2]),
        "fullName": name,
        "fullDisplayName": unquote(name.replace("/", " » ")),
        "description": "",
        "buildable": not config.disabled,
        "builds": [_link(build, root) for build in newest[:100]],
        "allBuilds": [_link(build, root) for build in newest],
        "firstBuild": _link(builds[0], root) if builds else None,
        "lastBuild": _link(newest[0], root) if newest else None,
        "lastCompletedBuild": _last(newest, root, {result for result in COLORS if result}),
        "lastSuccessfulBuild": _last(newest, root, {"SUCCESS", "UNSTABLE"}),
        "lastFailedBuild": _last(newest, root, {"FAILURE"}),
        "inQueue": queued,
        "nextBuildNumber": newest[0].number + 1 if newest else 1,
        "property": [_definition(config.parameters), *([{"_class": NOTIFIER}] if config.tells else [])],
        "queueItem": None,
    }


def item(wish: Item, root: str) -> dict[str, Any]:
    """Return a queue item; once its build began it names that."""
    common = {
        "id": wish.number,
        "inQueueSince": wish.since,
        "params": "".join(f"\n{name}={value}" for name, value in wish.parameters.items()),
        "task": {
            "_class": "hudson.model.FreeStyleProject",
            "name": wish.job.rpartition("/")[2],
            "url": f"{root}{place(wish.job)}",
        },
        "url": f"queue/item/{wish.number}/",
        "blocked": False,
        "stuck": False,
    }
    if wish.cancelled:
        gone = {"_class": "hudson.model.Queue$LeftItem", "why": None, "buildable": False}
        return {**common, **gone, "cancelled": True, "executable": None}
    if wish.build is None:
        waiting = {"_class": "hudson.model.Queue$WaitingItem", "why": "Waiting for next available executor"}
        return {**common, **waiting, "buildable": True}
    left = {"_class": "hudson.model.Queue$LeftItem", "why": None, "buildable": False, "cancelled": False}
    return {**common, **left, "executable": _link(wish.build, root)}


def _link(build: Build, root: str) -> dict[str, Any]:
    return {
        "_class": "hudson.model.FreeStyleBuild",
        "number": build.number,
        "url": f"{root}{build.path}",
    }


def _last(newest: list[Build], root: str, results: set[str]) -> dict[str, Any] | None:
    return next((_link(build, root) for build in newest if build.result in results), None)


def _definition(names: tuple[str, ...]) -> dict[str, Any]:
    definitions = [
        {
            "_class": "hudson.model.StringParameterDefinition",
            "name": name,
            "type": "StringParameterDefinition",
            "description": "",
            "defaultParameterValue": {
                "_class": "hudson.model.StringParameterValue",
                "name": name,
                "value": "",
            },
        }
        for name in names
    ]
    return {"_class": "hudson.model.ParametersDefinitionProperty", "parameterDefinitions": definitions}
