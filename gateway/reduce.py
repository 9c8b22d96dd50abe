"""What of an event may go on: a strict subset of its JSON, every field of a known pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gateway import commits

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}(?:@|\Z))[A-Za-z0-9._-]{1,100}")
COMMIT = re.compile(r"[0-9a-f]{40}")
BRANCH = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/+@=-]{0,199}")
REF = re.compile(rf"refs/(?:heads|tags)/{BRANCH.pattern}")
PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+%-]{0,254}")
NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
URL = re.compile(r"https?://[A-Za-z0-9.:/_~?&=@+%-]{1,500}")
WORD = re.compile(r"[A-Z_]{1,20}")
TRACE = re.compile(rf"{REPOSITORY.pattern}@{COMMIT.pattern}")
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
STATUS = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")
CHECK = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,199}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
NUMBER = range(2**31)

# A pattern, a range of whole numbers, a type, or the same again one level deeper.
GITHUB = {
    "ref": REF,
    "before": COMMIT,
    "after": COMMIT,
    "base_ref": REF,
    "created": bool,
    "deleted": bool,
    "forced": bool,
    "compare": URL,
    "repository": {
        "name": NAME,
        "full_name": REPOSITORY,
        "default_branch": BRANCH,
        "fork": bool,
        "archived": bool,
    },
    "pusher": {"name": commits.LOGIN},
    "sender": {"login": commits.LOGIN},
    "head_commit": {"id": COMMIT, "timestamp": TIMESTAMP},
}
JENKINS = {
    "name": JOB,
    "build": {
        "number": NUMBER,
        "phase": WORD,
        "status": WORD,
        "full_url": URL,
        "scm": {"commit": COMMIT, "branch": BRANCH},
        "parameters": {"PROJECT": PROJECT, "COMMIT": COMMIT, "TRACE": TRACE},
    },
}
ALARM = {"project": PROJECT, "host": HOST, "check": CHECK, "status": STATUS}


@dataclass(frozen=True)
class Event:
    """
    A reduced event.

    `key` is the same for the same happening, empty when only its delivery tells; `lane` orders what
    belongs together, `ignored` says why it goes no further.
    """

    body: dict[str, Any]
    key: str
    lane: str
    repository: str = ""
    commit: str = ""
    ignored: str = ""

    @property
    def trace(self) -> str:
        """Return StackStorm's trace tag, `<owner>/<repo>@<commit>`; empty when the event names none."""
        return f"{self.repository}@{self.commit}" if self.repository and self.commit else ""


def push(body: Any, site: str = "") -> Event:
    """
    Return the push *body*, ignored when its ref, repository or commit is not of the expected form.

    A link that does not begin with *site* is left out.
    What its free text and its commits tell is added as `cicd`; see `commits.summary`.
    """
    kept = _linking_to(site, subset(body, GITHUB), "compare")
    repository, ref, after = (
        kept.get("repository", {}).get("full_name", ""),
        kept.get("ref"),
        kept.get("after"),
    )
    wanted = {"repository": repository, "ref": ref, "commit": after}
    odd = [name for name, value in wanted.items() if not value]
    ignored = f"the {' and the '.join(odd)} of the push cannot be used" if odd else ""
    # A branch may make the same move again: only GitHub's id says that an event was sent before.
    return Event({**kept, "cicd": commits.summary(body)}, "", repository, repository, after or "", ignored)


def other(body: Any) -> Event:
    """Return an event of GitHub that is no push: always ignored."""
    kept = subset(body, {"repository": {"full_name": REPOSITORY}})
    return Event({}, "", "", kept.get("repository", {}).get("full_name", ""), "", "it is not a push")


def jenkins(body: Any, site: str = "") -> Event:
    """
    Return the callback *body* of Jenkins' Notification plugin, ignored unless a pipeline asked for its build.

    A link that does not begin with *site* is left out.
    """
    kept = subset(body, JENKINS)
    build = kept.get("build", {})
    number, phase, parameters = build.get("number"), build.get("phase"), build.get("parameters", {})
    repository, _, commit = parameters.get("TRACE", "").partition("@")
    commit, project = commit or parameters.get("COMMIT", ""), parameters.get("PROJECT")
    # Jobs of two folders have one name, and a Jenkins that was set up anew counts from 1 again.
    key = f"{build.get('full_url') or kept.get('name')} {number} {phase} {commit}"
    kept |= {"build": _linking_to(site, build, "full_url")} if build else {}
    ignored = _not_asked_for(build)
    return Event(kept, key, f"jenkins {project}", repository, commit, ignored)


def alarm(body: Any, source: str) -> Event:
    """
    Return the alarm *body* of the monitoring system *source*, ignored when a field cannot be used.

    None of them is left out: an alarm without its host would be about every host.
    """
    kept = subset(body, ALARM)
    given = body if isinstance(body, dict) else {}
    wanted = {"project", "status", *(name for name in ALARM if given.get(name) not in (None, ""))}
    odd = [name for name in ALARM if name in wanted - set(kept)]
    ignored = f"the {' and the '.join(odd)} of the alarm cannot be used" if odd else ""
    return Event({**kept, "source": source}, "", f"alarm {kept.get('project')}", ignored=ignored)


def subset(value: Any, shape: dict[str, Any]) -> dict[str, Any]:
    """Return what of *value* has *shape*; a field that does not fit is left out."""
    if not isinstance(value, dict):
        return {}
    fields = [(key, _field(value[key], wanted)) for key, wanted in shape.items() if key in value]
    return {key: field for key, field in fields if field is not None}


def _not_asked_for(build: dict[str, Any]) -> str:
    if build.get("number") is None or not build.get("phase"):
        return "the build number or phase cannot be used"
    named = {"PROJECT", "COMMIT"} <= set(build.get("parameters", {}))
    return "" if named else "it is of a build that no pipeline asked for: it has no PROJECT and COMMIT"


def _linking_to(site: str, kept: dict[str, Any], link: str) -> dict[str, Any]:
    return {key: value for key, value in kept.items() if key != link or value.startswith(site)}


def _field(value: Any, wanted: Any) -> Any:
    kind = type(wanted)
    if kind is re.Pattern:
        return value if type(value) is str and wanted.fullmatch(value) else None
    if kind is dict:
        return subset(value, wanted) or None
    if kind is range:
        return value if type(value) is int and value in wanted else None
    return value if type(value) is wanted else None
