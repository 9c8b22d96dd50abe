"""StackStorm's own API, as an action may ask it."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from cicd.errors import CicdError

TIMEOUT_SECONDS = 5
LISTED = 100


def own_execution() -> str:
    """Return the execution that this process is, or nothing outside of an action."""
    return os.environ.get("ST2_ACTION_EXECUTION_ID", "")


class StackStorm:
    """Questions to the API, with the token that StackStorm gave this action."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._url = environment.get("ST2_ACTION_API_URL", "")
        self._token = environment.get("ST2_ACTION_AUTH_TOKEN", "")

    def execution(self, identifier: str, attribute: str) -> dict[str, Any]:
        """Return one execution, with no more than *attribute* of it."""
        return dict(self._ask("GET", f"/executions/{identifier}", {"include_attributes": attribute}))

    def executions(self, attributes: str, **filters: str) -> list[dict[str, Any]]:
        """Return the newest executions that fit *filters*, with *attributes* of each."""
        query = {"limit": LISTED, "sort_desc": "True", "include_attributes": attributes, **filters}
        return list(self._ask("GET", "/executions", query))

    def policies(self) -> list[dict[str, Any]]:
        """Return every policy."""
        return list(self._ask("GET", "/policies", {"limit": LISTED}))

    def cancel(self, identifier: str) -> bool:
        """Cancel an execution; False when StackStorm has it as ended elsewhere, and will not."""
        return "faultstring" not in (self._ask("DELETE", f"/executions/{identifier}", {}) or {})

    def finish_canceling(self, identifier: str) -> bool:
        """End an execution that is being cancelled, but that nobody cancels any more; False if it stays."""
        answer = self._ask("PUT", f"/executions/{identifier}", {}, {"status": "canceled"})
        return bool((answer or {}).get("status") == "canceled")

    def _ask(self, method: str, path: str, query: Mapping[str, Any], body: Any = None) -> Any:
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
                "See that st2api runs, and that who asks may list executions.",
            ) from error


def _why(error: Exception) -> str:
    return str(getattr(error, "code", "")) or type(error).__name__
