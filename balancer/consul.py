"""The local Consul agent: which shares are wanted, and the report of those that are applied."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path

from balancer.config import Config
from balancer.errors import TrafficError

WANTED = "cicd/.traffic/wanted/"
APPLIED = "cicd/.traffic/applied/"
SPARE_SECONDS = 10  # Consul adds a sixteenth to a wait


class Consul:
    """Waits for what changes, by blocking queries."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._index = 0
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if config.consul_cacert:
            context = ssl.create_default_context(cafile=config.consul_cacert)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def wanted(self, wait_seconds: int) -> dict[str, str]:
        """
        Return what is wanted, as text by project, once it changed or *wait_seconds* have passed.

        The first call answers at once. TrafficError when Consul does not answer, or something else does.
        """
        path = f"{WANTED}?recurse&index={self._index}&wait={wait_seconds}s"
        headers, body = self._ask("GET", path, None, wait_seconds + SPARE_SECONDS)
        try:
            index = int(headers.get("X-Consul-Index") or 0)
            found = json.loads(body) if body else []
            wanted = {item["Key"][len(WANTED) :]: _text(item["Value"]) for item in found}
        except (KeyError, TypeError, ValueError):
            raise TrafficError(
                f"{self._config.consul_http_addr} gives an answer that is not Consul's."
            ) from None
        self._index = index if index >= self._index else 0  # it goes back when Consul is restored
        return wanted

    def forget(self) -> None:
        """Let the next call of wanted answer at once."""
        self._index = 0

    def report(self, document: Mapping[str, object]) -> None:
        """Write *document* as this host's report; TrafficError when Consul does not take it."""
        self._ask("PUT", APPLIED + self._config.node, json.dumps(document, sort_keys=True).encode(), 10)

    def _ask(self, method: str, path: str, data: bytes | None, timeout: float) -> tuple[Message, bytes]:
        url = f"{self._config.consul_http_addr.rstrip('/')}/v1/kv/{path}"
        request = urllib.request.Request(url, data, self._headers(), method=method)
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404 and method == "GET":
                return error.headers, b""
            raise TrafficError(
                f"Consul answered {error.code} to {method} {path.partition('?')[0]}."
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise TrafficError(
                f"Consul at {self._config.consul_http_addr} does not answer ({error})."
            ) from None

    def _headers(self) -> dict[str, str]:
        file = self._config.consul_token_file
        if not file:
            return {}
        try:
            return {"X-Consul-Token": Path(file).read_text(encoding="ascii").strip()}
        except (OSError, ValueError) as error:
            raise TrafficError(f"The token file {file} cannot be read ({error}).") from None


def _text(value: str | None) -> str:
    return base64.b64decode(value or "").decode("utf-8", "replace")
