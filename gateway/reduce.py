"""What of an event may go on: a strict subset of its JSON, every field of a known pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
COMMIT = re.compile(r"[0-9a-f]{40}")
REF = re.compile(r"refs/(?:heads|tags)/[A-Za-z0-9][A-Za-z0-9._/+@=-]{0,199}")
BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+@=-]{0,199}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@\[\]-]{0,99}")
URL = re.compile(r"https?://[A-Za-z0-9.:/_~?&=@+%-]{1,500}")
WORD = re.compile(r"[A-Z_]{1,20}")
TRACE = re.compile(rf"{REPOSITORY.pattern}@{COMMIT.pattern}")
ALARM = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,199}")

# A pattern, a type, or the same again one level deeper.
GITHUB = {
    "ref": REF,
    "before": COMMIT,
    "after": COMMIT,
    "created": bool,
    "deleted": bool,
    "forced": bool,
    "compare": URL,
    "repository": {"name": NAME, "full_name": REPOSITORY, "default_branch": BRANCH},
    "pusher": {"name": LOGIN},
}
JENKINS = {
    "name": NAME,
    "build": {
        "number": int,
        "phase": WORD,
        "status": WORD,
        "full_url": URL,
        "scm": {"commit": COMMIT, "branch": BRANCH},
        "parameters": {"PROJECT": NAME, "COMMIT": COMMIT, "TRACE": TRACE},
    },
}
ALARMS = {"project": NAME, "host": NAME, "check": ALARM, "status": NAME}


@dataclass(frozen=True)
class Event:
    """A reduced event: `key` is the same for the same happening, `lane` orders what belongs together."""

    body: dict[str, Any]
    key: str
    lane: str
    trace: str


class Ignored(Exception):
    """The event is of no interest; the text says why."""


def push(body: Any) -> Event:
    """Return the reduced push *body*, or raise Ignored."""
    kept = subset(body, GITHUB)
    repository, ref, after = kept.get("repository", {}).get("full_name"), kept.get("ref"), kept.get("after")
    if not (repository and ref and after):
        raise Ignored("repository, ref or commit is not of the expected form")
    return Event(kept, f"{repository} {ref} {after}", repository, f"{repository}@{after}")


def jenkins(body: Any) -> Event:
    """Return the reduced callback *body* of Jenkins' Notification plugin, or raise Ignored."""
    kept = subset(body, JENKINS)
    build = kept.get("build", {})
    if not (kept.get("name") and "number" in build and build.get("phase")):
        raise Ignored("job, build number or phase is not of the expected form")
    key = f"{kept['name']} {build['number']} {build['phase']}"
    return Event(kept, key, f"jenkins {kept['name']}", build.get("parameters", {}).get("TRACE", ""))


def alarm(body: Any, source: str, delivery: str) -> Event:
    """Return the reduced alarm *body* of *source*, or raise Ignored."""
    kept = subset(body, ALARMS)
    if not kept.get("project"):
        raise Ignored("the project is not of the expected form")
    return Event({**kept, "source": source}, delivery, f"alarm {kept['project']}", "")


def subset(value: Any, shape: dict[str, Any]) -> dict[str, Any]:
    """Return what of *value* has *shape*; a field that does not fit is left out."""
    given = value if isinstance(value, dict) else {}
    kept = {key: _field(given[key], wanted) for key, wanted in shape.items() if key in given}
    return {key: field for key, field in kept.items() if field is not None}


def _field(value: Any, wanted: Any) -> Any:
    if isinstance(wanted, dict):
        return subset(value, wanted) or None
    if isinstance(wanted, re.Pattern):
        return value if isinstance(value, str) and wanted.fullmatch(value) else None
    return value if type(value) is wanted else None
