"""What of an event may go on: a strict subset of its JSON, every field of a known pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway import github_event
from gateway.alarms import reading
from gateway.alarms.alarm import PROJECT, Alarm
from gateway.alarms.harmless import harmless
from gateway.alarms.names import DEFAULT, Names
from gateway.alarms.reading import NOTHING
from gateway.github_event import BRANCH, COMMIT, REPOSITORY, URL, subset

JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+%-]{0,254}")
WORD = re.compile(r"[A-Z_]{1,20}")
TRACE = re.compile(rf"{REPOSITORY.pattern}@{COMMIT.pattern}")
NUMBER = range(2**31)
REASON_LIMIT = 300

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


@dataclass(frozen=True)
class Event:
    """
    A reduced event.

    `key` is the same for the same happening, empty when only its delivery tells; `lane` orders what
    belongs together, `ignored` says why it goes no further, `unusable` why only that goes on.
    """

    body: dict[str, Any]
    key: str
    lane: str
    repository: str = ""
    commit: str = ""
    ignored: str = ""
    unusable: str = ""

    @property
    def trace(self) -> str:
        """Return StackStorm's trace tag, `<owner>/<repo>@<commit>`; empty when the event names none."""
        return f"{self.repository}@{self.commit}" if self.repository and self.commit else ""


def push(body: Any, site: str = "") -> Event:
    """
    Return the push *body*, ignored when its ref, repository or commit is not of the expected form.

    A link that does not begin with *site* is left out.
    What its free text and its commits tell is added as `cicd`; see `github_event.summary`.
    """
    kept = github_event.fields(body)
    repository, ignored = kept.get("repository", {}).get("full_name", ""), github_event.unusable(kept)
    reduced = {**_linking_to(site, kept, "compare"), "cicd": github_event.summary(body)}
    # A branch may make the same move again: only GitHub's id says that an event was sent before.
    return Event(reduced, "", repository, repository, kept.get("after", ""), ignored)


def workflow_run(body: Any, site: str = "") -> Event:
    """
    Return the workflow_run event *body*; ignored unless a dispatch began to run, or any run ended.

    A link that does not begin with *site* is left out.
    """
    kept = github_event.run_fields(body)
    run, repository = kept.get("workflow_run", {}), kept.get("repository", {}).get("full_name", "")
    ignored = github_event.unusable_run(kept) or _not_worth_a_look(kept.get("action", ""), run)
    reduced = {**kept, "workflow_run": _linking_to(site, run, "html_url")}
    return Event(reduced, "", repository, repository, run.get("head_sha", ""), ignored)


def other(body: Any) -> Event:
    """Return an event of GitHub that is neither a push nor a run: always ignored."""
    kept = subset(body, {"repository": {"full_name": REPOSITORY}})
    return Event(
        {},
        "",
        "",
        kept.get("repository", {}).get("full_name", ""),
        "",
        "it is neither a push nor a run of a workflow",
    )


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


def alarms(body: Any, source: str, names: Names = DEFAULT, url: Mapping[str, str] = NOTHING) -> list[Event]:
    """
    Return an event for each alarm in *body*, which the monitoring system *source* sent, and one for each
    reason for which some cannot be used: at least one event.

    *names* says which labels name what, *url* what the address names that was called.
    """
    read = reading.read(body, names, url)
    usable = [
        Event({**_named(alarm), "source": source}, "", f"alarm {alarm.project}") for alarm in read.alarms
    ]
    return usable + [unusable_alarm(reason, source) for reason in read.unusable]


def unusable_alarm(reason: str, source: str) -> Event:
    """Return the event that says for what *reason* an alarm of *source* cannot be used."""
    told = harmless(reason, REASON_LIMIT)
    return Event({"source": source, "reason": told}, "", "unusable alarms", unusable=told)


def _not_worth_a_look(action: str, run: github_event.RunFields) -> str:
    if action == "completed" or (action == "in_progress" and run.get("event") == "workflow_dispatch"):
        return ""
    return "it is of a run that neither ended nor was begun by a dispatch"


def _named(alarm: Alarm) -> dict[str, str]:
    return {name: value for name, value in vars(alarm).items() if value}


def _not_asked_for(build: dict[str, Any]) -> str:
    if build.get("number") is None or not build.get("phase"):
        return "the build number or phase cannot be used"
    named = {"PROJECT", "COMMIT"} <= set(build.get("parameters", {}))
    return "" if named else "it is of a build that no pipeline asked for: it has no PROJECT and COMMIT"


def _linking_to(site: str, kept: Mapping[str, Any], link: str) -> dict[str, Any]:
    return {key: value for key, value in kept.items() if key != link or value.startswith(site)}
