"""Executions that StackStorm calls running, and that nobody runs any more: found, named and ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable, Iterator, Sequence

from cicd.clients.stackstorm import ExecutionDocument, PolicyDocument, StackStorm
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.finding import GOOD, SKIPPED, WARNING, WRONG, Finding
from cicd.release.rollout_record import RolloutRecord, quiet_seconds, rollout_key
from cicd.sanitize import age
from cicd.store.store import Store

RUNNING, SCHEDULED = "running", "scheduled"
QUEUED = ("requested", "delayed")  # StackStorm lets them begin when it can
LOOKED_AT = (RUNNING, "canceling", "pausing", SCHEDULED, *QUEUED)
WORKFLOW, ROLLOUT = "orquesta", "cicd.update_hosts"
TIMEOUT_SECONDS = 600  # of a Python action that says nothing else
MARGIN_SECONDS = 120  # after its timeout, when its runner must have ended it
NAMED = 4
FORGOTTEN_SECONDS = 86400  # what could not be ended in a day never can be, and is no news
QUIET_SECONDS = 300  # in which a workflow without a step begins its next one
ATTRIBUTES = (
    "id,action.ref,action.parameters,runner.name,parameters,status,start_timestamp,end_timestamp,log,parent"
)


@dataclass(frozen=True)
class Execution:
    """One that has not ended: since when it has its status, and after how many seconds a runner ends it."""

    id: str
    action: str
    status: str
    since: float
    parent: str = ""
    project: str = ""
    generation: int = 0
    limit: float = TIMEOUT_SECONDS
    is_workflow: bool = False


@dataclass(frozen=True)
class Stuck:
    """An execution that goes no further, why, and whether it may be ended without harm."""

    execution: Execution
    why: str
    is_dead: bool = True

    @property
    def said(self) -> str:
        """The sentence for people, with the one command that ends it."""
        one = self.execution
        whose = f" for {one.project}" if one.project else ""
        end = "it is ended within minutes, or by" if self.is_dead else "it ends by"
        return f"{one.action}{whose} is {one.status}, {self.why}: {end} `st2 execution cancel {one.id}`"


Steps = Callable[[str], float]
Silent = Callable[[Execution], bool]


def judge(found: Sequence[Execution], now: float, last_step: Steps, is_silent: Silent) -> list[Stuck]:
    """
    Return those of *found*, all that have not ended, that go no further.

    *last_step* says when the newest step of a workflow began or ended, *is_silent* whether a rollout
    gives no sign of life.
    """
    parents = {one.parent for one in found}
    judged = ((one, _why(one, parents, now, last_step, is_silent)) for one in found)
    return [Stuck(one, why, one.status not in QUEUED) for one, why in judged if why]


def _why(one: Execution, parents: set[str], now: float, last_step: Steps, is_silent: Silent) -> str:
    quiet = now - one.since
    if quiet > FORGOTTEN_SECONDS:
        return ""
    if one.status in (SCHEDULED, *QUEUED):  # one whose message a runner lost is never taken
        return f"and no runner took it for {age(quiet)}" if quiet > TIMEOUT_SECONDS else ""
    if one.is_workflow:
        if one.id in parents or quiet < QUIET_SECONDS:
            return ""
        quiet = now - max(one.since, last_step(one.id))
        return f"and no step of it began for {age(quiet)}" if quiet > QUIET_SECONDS else ""
    if one.status == RUNNING and one.action == ROLLOUT and is_silent(one):
        return "and its rollout gives no sign of life"
    return (
        f"but its time limit passed {age(quiet - one.limit)} ago"
        if quiet > one.limit + MARGIN_SECONDS
        else ""
    )


def stuck(settings: Settings, store: Store, stackstorm: StackStorm) -> list[Stuck]:
    """Return what goes no further of the pack's executions; CicdError when nobody says."""
    found = [
        parsed(document)
        for status in LOOKED_AT
        for document in stackstorm.executions(ATTRIBUTES, status=status)
        if str((document.get("action") or {}).get("ref", "")).startswith("cicd.")
    ]
    return judge(
        found,
        time.time(),
        lambda identifier: _last_step(stackstorm, identifier),
        lambda one: _is_silent(settings, store, one),
    )


def end(found: Sequence[Stuck], stackstorm: StackStorm) -> list[str]:
    """End what is dead of *found*; return what was ended, as sentences."""
    dead = [one for one in found if one.is_dead and _end(one.execution, stackstorm)]
    return [
        f"{one.execution.action} {one.execution.id} was {one.execution.status}, {one.why}" for one in dead
    ]


def sentences(settings: Settings, store: Store, project: str = "") -> list[str]:
    """Return what to say of stuck executions of *project*, or of all; nothing when nobody says."""
    try:
        found = stuck(settings, store, StackStorm())
    except CicdError:
        return []
    said = [one.said for one in found if not project or one.execution.project in ("", project)]
    left = len(said) - NAMED
    return [*said[:NAMED], f"and {left} more executions that go no further"] if left > 0 else said


def findings(settings: Settings, store: Store, stackstorm: StackStorm) -> Iterator[Finding]:
    """Yield stuck executions, and policies that hold what the deploy lock does not."""
    try:
        found, policies = stuck(settings, store, stackstorm), stackstorm.policies()
    except CicdError as error:
        yield Finding("executions", SKIPPED, error.message, error.hint)
        return
    for one in found:
        yield Finding("execution", WRONG if not one.is_dead else WARNING, one.said)
    for policy in policies:
        if _holds(policy):
            fix = "Switch it off: it counts executions whose runner died. The deploy lock does that work."
            yield Finding(f"policy {policy['ref']}", WRONG, f"it delays {policy['resource_ref']}", fix)
    if not found:
        yield Finding("executions", GOOD, "each that has not ended is run by someone")


def parsed(document: ExecutionDocument) -> Execution:
    """Return the execution that StackStorm's *document* is about."""
    action, given = document["action"], document.get("parameters") or {}
    limit = given.get("timeout") or ((action.get("parameters") or {}).get("timeout") or {}).get("default")
    generation = str(given.get("generation") or 0)
    return Execution(
        id=str(document["id"]),
        action=str(action["ref"]),
        status=str(document["status"]),
        since=_since(document),
        parent=str(document.get("parent") or ""),
        project=str(given.get("project") or ""),
        generation=int(generation) if generation.isdigit() else 0,
        limit=float(limit or TIMEOUT_SECONDS),
        is_workflow=(document.get("runner") or {}).get("name") == WORKFLOW,
    )


def _end(one: Execution, stackstorm: StackStorm) -> bool:
    try:
        act = stackstorm.cancel if one.status in (RUNNING, SCHEDULED) else stackstorm.finish_canceling
        return act(one.id)
    except CicdError:
        return False


def _holds(policy: PolicyDocument) -> bool:
    kind, action = str(policy.get("policy_type")), str(policy.get("resource_ref"))
    return (
        bool(policy.get("enabled")) and kind.startswith("action.concurrency") and action.startswith("cicd.")
    )


def _since(document: ExecutionDocument) -> float:
    log = [entry for entry in document.get("log") or [] if entry.get("status") == document["status"]]
    return _epoch(str(log[-1]["timestamp"] if log else document["start_timestamp"]))


def _last_step(stackstorm: StackStorm, identifier: str) -> float:
    steps = stackstorm.executions("id,start_timestamp,end_timestamp", parent=identifier)
    times = (step.get(end) for step in steps for end in ("start_timestamp", "end_timestamp"))
    return max((_epoch(str(when)) for when in times if when), default=0.0)


def _is_silent(settings: Settings, store: Store, one: Execution) -> bool:
    known = store.json(rollout_key(one.project, one.generation), RolloutRecord) or {}
    return quiet_seconds(known, one.since, time.time()) > settings.deploy.lost_after


def _epoch(text: str) -> float:
    """StackStorm says UTC, with a `Z` and with or without a fraction."""
    plain = text.rstrip("Z").partition("+")[0].replace(" ", "T")
    form = "%Y-%m-%dT%H:%M:%S.%f" if "." in plain else "%Y-%m-%dT%H:%M:%S"
    return datetime.strptime(plain, form).replace(tzinfo=timezone.utc).timestamp()
