"""StackStorm, through its own client library."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from st2client import models
from st2client.client import Client
from st2client.models.auth import Token

ENDED = {"succeeded", "failed", "timeout", "abandoned", "canceled"}


class StackStorm:
    """One StackStorm, or st2local: `description` is world.json's `stackstorm`."""

    def __init__(self, description: dict[str, Any]) -> None:
        urls = {key: description[key] for key in ("api_url", "auth_url", "stream_url")}
        self.client = Client(**urls, **_credentials(description, urls))
        self._inner: set[str] = set()  # executions that belong to others, which need not be looked at again

    def run(self, action: str, trace: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Run *action* to its end, on the trace *trace*, and return the execution."""
        return self.wait(self.start(action, trace, **parameters))

    def start(self, action: str, trace: str | None = None, **parameters: Any) -> str:
        """Start *action* on the trace *trace* and return the execution's id."""
        execution = models.Execution()
        execution.action, execution.parameters = action, parameters
        if trace:
            execution.context = {"trace_context": {"trace_tag": trace}}
        return str(self.client.executions.create(execution).id)

    def wait(self, execution: str, seconds: float = 600) -> dict[str, Any]:
        """Return *execution* once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.get(execution)
            if found["status"] in ENDED:
                return found
            time.sleep(0.3)
        raise TimeoutError(f"execution {execution} did not end within {seconds:.0f} s")

    def get(self, execution: str) -> dict[str, Any]:
        """Return *execution* as it is now."""
        return dict(self.client.executions.get_by_id(execution).to_dict())

    def of_trace(self, trace: str) -> list[dict[str, Any]]:
        """Return the root executions on *trace*, oldest first."""
        traces = self.client.trace.query(trace_tag=trace)
        found = {item["object_id"] for known in traces for item in known.action_executions}
        executions = [self.get(identifier) for identifier in found - self._inner]
        roots = [execution for execution in executions if not execution.get("parent")]
        self._inner |= {execution["id"] for execution in executions if execution.get("parent")}
        return sorted(roots, key=lambda execution: str(execution["start_timestamp"]))

    def tree(self, execution: str) -> list[dict[str, Any]]:
        """Return all executions below *execution*."""
        return [child.to_dict() for child in self.client.executions.get_children(execution)]

    def say(self, command: str) -> str:
        """Say *command* as in chat, and return the id of the execution that it started."""
        spoken = models.ActionAliasExecution()
        spoken.command, spoken.user, spoken.source_channel = command, "", "cli"
        started = self.client.managers["ActionAliasExecution"].match_and_execute(spoken)
        return str(started.execution["id"])


def _credentials(description: dict[str, Any], urls: dict[str, str]) -> dict[str, str]:
    if os.environ.get("ST2_API_KEY"):
        return {"api_key": os.environ["ST2_API_KEY"]}
    return {"token": os.environ.get("ST2_AUTH_TOKEN") or _login(description, urls)}


def _login(description: dict[str, Any], urls: dict[str, str]) -> str:
    password = Path(description["password_file"]).read_text().splitlines()[0].rpartition(":")[2]
    token = Client(**urls).tokens.create(Token(), auth=(description["user"], password))
    return str(token.token)
