"""The run of a commit as a trace of OpenTelemetry: a part for each ring, and a span for each step. Pure."""

from __future__ import annotations

import hashlib
from typing import Dict, List, Mapping, TypedDict

from cicd.ci import step_times
from cicd.ci.run import Run
from cicd.ci.step_times import CLEANED, FIRST, NAMES, PACKAGING, StepTime, Times
from cicd.config import Project
from cicd.reports.notice import Notice
from cicd.sanitize import beginning

INTERNAL, OK, ERROR = 1, 1, 2  # numbers of OpenTelemetry's kinds and statuses
SAID_CHARACTERS = 300
FAILED = ("ci_failed", "package_failed", "canary_failed", "production_failed")
TAKEN_BACK = ("canary_taken_back", "production_taken_back")


class Attribute(TypedDict):
    """A fact about a span."""

    key: str
    value: Dict[str, str]


class Status(TypedDict, total=False):
    """How a span ended, and why when it failed."""

    code: int
    message: str


class Span(TypedDict):
    """A span as OTLP has it in JSON: ids in hex, times in nanoseconds as text."""

    traceId: str
    spanId: str
    parentSpanId: str
    name: str
    kind: int
    startTimeUnixNano: str
    endTimeUnixNano: str
    attributes: List[Attribute]
    status: Status


def of(project: Project, run: Run, notice: Notice) -> list[Span]:
    """
    Return the spans of the part of *run* that *notice* is the end of; none where its times are not known.

    The first part goes from the push to the first ring; each further ring is a part below it. Who sends a
    part again sends the same ids.
    """
    is_first = notice.ring in ("", project.lifecycle.first)
    times = {
        number: time for number, time in step_times.all_of(run.times).items() if (number <= FIRST) == is_first
    }
    if not times:
        return []
    part = _Part(project.name, run, notice, times, is_first)
    return [part.whole(), *(part.step(number) for number in sorted(times))]


class _Part:
    def __init__(self, project: str, run: Run, notice: Notice, times: Times, is_first: bool) -> None:
        self._project, self._run, self._notice, self._times = project, run, notice, times
        began = min(run.times.values()).began
        self._trace = _id(32, project, notice.commit, str(began))
        self._began = min(time.began for time in times.values())
        root = _id(16, self._trace)
        self._parent = "" if is_first else root
        self._own = root if is_first else _id(16, self._trace, notice.ring, str(self._began))
        self._is_bad = any(event in (*FAILED, *TAKEN_BACK) for event in notice.events)

    def whole(self) -> Span:
        """Return the span of all steps of the part; the first part is the root of the trace."""
        ring = f" to {self._notice.ring}" if self._notice.ring else ""
        seconds = max(time.ended for time in self._times.values()) - self._began
        facts = {"cicd.pipeline.result": "failure" if self._is_bad else "success"}
        name = f"{self._project} {self._notice.commit[:7]}{ring}"
        return self._span(self._own, self._parent, name, StepTime(self._began, seconds), facts, self._is_bad)

    def step(self, number: int) -> Span:
        """Return the span of one step; those of packaging are below it."""
        time = self._times[number]
        is_inner = PACKAGING < number <= CLEANED and PACKAGING in self._times
        parent = self._id_of(PACKAGING) if is_inner else self._own
        facts = {"cicd.pipeline.task.name": NAMES[number - 1], "cicd.pipeline.task.run.id": time.execution}
        is_bad = self._is_bad and number == max(self._times)
        return self._span(self._id_of(number), parent, f"{number} {NAMES[number - 1]}", time, facts, is_bad)

    def _failure(self) -> Status:
        return {"code": ERROR, "message": beginning(self._notice.said, SAID_CHARACTERS)}

    def _id_of(self, number: int) -> str:
        return _id(16, self._trace, str(number), str(self._times[number].began))

    def _span(
        self, identifier: str, parent: str, name: str, time: StepTime, facts: Mapping[str, str], is_bad: bool
    ) -> Span:
        shared = {
            "cicd.pipeline.name": self._project,
            "cicd.pipeline.run.id": self._run.claimed_by,
            "vcs.ref.head.revision": self._notice.commit,
            "deployment.environment.name": self._notice.ring,
        }
        return {
            "traceId": self._trace,
            "spanId": identifier,
            "parentSpanId": parent,
            "name": name,
            "kind": INTERNAL,
            "startTimeUnixNano": _nanoseconds(time.began),
            "endTimeUnixNano": _nanoseconds(time.ended),
            "attributes": _attributes({**shared, **facts}),
            "status": self._failure() if is_bad else {"code": OK},
        }


def _attributes(facts: Mapping[str, str]) -> list[Attribute]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in facts.items() if value]


def _nanoseconds(seconds: float) -> str:
    return str(round(seconds * 1000) * 1_000_000)


def _id(digits: int, *parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:digits]
