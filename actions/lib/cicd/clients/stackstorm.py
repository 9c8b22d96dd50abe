"""StackStorm's own API, as an action may ask it."""

from __future__ import annotations

import json
import os
from typing import Any, List, Mapping, Optional, TypedDict, cast

from cicd.errors import CicdError

TIMEOUT_SECONDS = 5
LISTED = 100


class ActionParameter(TypedDict, total=False):
    """What an action says of one of its parameters."""

    default: float


class ActionDocument(TypedDict, total=False):
    """The action of an execution."""

    ref: str
    parameters: Mapping[str, ActionParameter]


class Change(TypedDict, total=False):
    """When an execution took a status."""

    status: str
    timestamp: str


class Runner(TypedDict, total=False):
    """What runs an action."""

    name: str


class Parameters(TypedDict, total=False):
    """What the pack's actions were given, as far as it says what they work at; anybody may give anything."""

    project: Optional[str]
    generation: object
    timeout: Optional[float]


class ExecutionDocument(TypedDict, total=False):
    """One execution, as the API answers; times are in UTC."""

    id: str
    action: ActionDocument
    parameters: Parameters
    runner: Runner
    status: str
    start_timestamp: str
    end_timestamp: str
    log: List[Change]
    parent: Optional[str]
    context: Mapping[str, object]


class PolicyDocument(TypedDict, total=False):
    """One policy, as the API answers."""

    ref: str
    policy_type: str
    resource_ref: str
    enabled: bool


def own_execution() -> str:
    """Return the execution that this process is, or nothing outside of an action."""
    return os.environ.get("ST2_ACTION_EXECUTION_ID", "")


def first_execution() -> str:
    """Return the workflow that this process is a step of, or the first one, of which that is a re-run."""
    stackstorm = StackStorm()
    workflow = stackstorm.execution(own_execution(), "parent").get("parent") or own_execution()
    context = stackstorm.execution(str(workflow), "context").get("context") or {}
    again = cast(Mapping[str, object], context.get("re-run") or {})
    return str(again.get("ref") or workflow)


def is_asked_in_chat() -> bool:
    """Whether this action, or the workflow that it is a step of, was asked for in chat. No answer is no."""
    try:
        context = StackStorm().execution(own_execution(), "context").get("context") or {}
    except CicdError:
        return False
    return bool(context.get("source_channel") or context.get("action_alias_ref"))


class StackStorm:
    """Questions to the API, with the token that StackStorm gave this action."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._url = environment.get("ST2_ACTION_API_URL", "")
        self._token = environment.get("ST2_ACTION_AUTH_TOKEN", "")

    def execution(self, identifier: str, attribute: str) -> ExecutionDocument:
        """Return one execution, with no more than *attribute* of it."""
        answer = self._ask("GET", f"/executions/{identifier}", {"include_attributes": attribute})
        return cast(ExecutionDocument, dict(answer))

    def executions(self, attributes: str, **filters: str) -> list[ExecutionDocument]:
        """Return the newest executions that fit *filters*, with *attributes* of each."""
        query = {"limit": LISTED, "sort_desc": "True", "include_attributes": attributes, **filters}
        return list(self._ask("GET", "/executions", query))

    def policies(self) -> list[PolicyDocument]:
        """Return every policy."""
        return list(self._ask("GET", "/policies", {"limit": LISTED}))

    def cancel(self, identifier: str) -> bool:
        """Cancel an execution; False when StackStorm has it as ended elsewhere, and will not."""
        return "faultstring" not in (self._ask("DELETE", f"/executions/{identifier}", {}) or {})

    def finish_canceling(self, identifier: str) -> bool:
        """End an execution that is being cancelled, but that nobody cancels any more; False if it stays."""
        answer = self._ask("PUT", f"/executions/{identifier}", {}, {"status": "canceled"})
        return bool((answer or {}).get("status") == "canceled")

    def say(self, route: str, channel: str, message: str) -> None:
        """Have the chat bot that listens to *route* say *message* in *channel*."""
        parameters = {"route": route, "channel": channel, "message": message}
        self._ask("POST", "/executions", {}, {"action": "chatops.post_message", "parameters": parameters})

    def _ask(self, method: str, path: str, query: Mapping[str, object], body: Any = None) -> Any:
        from urllib.parse import urlencode  # few actions ask, and all would wait for these imports
        from urllib.request import ProxyHandler, Request, build_opener

        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Auth-Token": self._token, "Content-Type": "application/json"}
        try:
            request = Request(f"{self._url}{path}?{urlencode(query)}", data, headers, method=method)
            # No proxy is between an action and its own StackStorm.
            with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_SECONDS) as answer:
                content = answer.read()
            return json.loads(content) if content else None
        except (OSError, ValueError) as error:
            raise CicdError(
                f"StackStorm's API did not answer `{method} {path}` ({_why(error)}).",
                "Check that st2api runs, and that the caller may list executions.",
            ) from error


def _why(error: Exception) -> str:
    return str(getattr(error, "code", "")) or type(error).__name__
