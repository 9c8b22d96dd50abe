"""The local Consul agent: questions that wait for another answer, and this host's report."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path

from follow.errors import FollowError
from follow.settings import Agent

SPARE_SECONDS = 10  # Consul adds a sixteenth to a wait


class Consul:
    """Asks with the token that the settings name, which may change at any time."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if agent.consul_cacert:
            context = ssl.create_default_context(cafile=agent.consul_cacert)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def read(self, path: str, timeout: float) -> tuple[int, object]:
        """
        Return the index and the JSON that Consul has at *path* below /v1/, None where it has nothing.

        FollowError when Consul does not answer, or something else does.
        """
        headers, body = self._ask("GET", path, None, timeout)
        try:
            return int(headers.get("X-Consul-Index") or 0), json.loads(body) if body else None
        except (RecursionError, ValueError):
            raise self.not_consuls() from None

    def write(self, key: str, document: Mapping[str, object]) -> None:
        """Write *document* as *key*; FollowError when Consul does not take it."""
        self._ask("PUT", f"kv/{key}", json.dumps(document, sort_keys=True).encode(), SPARE_SECONDS)

    def not_consuls(self) -> FollowError:
        """Return the error that says so of an answer."""
        return FollowError(f"{self._agent.consul_http_addr} gives an answer that is not Consul's.")

    def _ask(self, method: str, path: str, data: bytes | None, timeout: float) -> tuple[Message, bytes]:
        url = f"{self._agent.consul_http_addr.rstrip('/')}/v1/{path}"
        request = urllib.request.Request(url, data, self._headers(), method=method)
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404 and method == "GET":
                return error.headers, b""
            raise FollowError(f"Consul answered {error.code} to {method} {path.partition('?')[0]}.") from None
        except (OSError, http.client.HTTPException) as error:
            raise FollowError(
                f"Consul at {self._agent.consul_http_addr} does not answer ({error})."
            ) from None

    def _headers(self) -> dict[str, str]:
        file = self._agent.consul_token_file
        if not file:
            return {}
        try:
            return {"X-Consul-Token": Path(file).read_text(encoding="ascii").strip()}
        except (OSError, ValueError) as error:
            raise FollowError(f"The token file {file} cannot be read ({error}).") from None


class Query:
    """One *path* below /v1/, asked for again and again; each time it waits until there is another answer."""

    def __init__(self, consul: Consul, path: str) -> None:
        self._consul, self._path, self._index = consul, path, 0

    def ask(self, wait_seconds: float) -> object:
        """
        Return the answer once it changed or *wait_seconds* have passed; the first time at once.

        FollowError when Consul does not answer, or something else does.
        """
        sign = "&" if "?" in self._path else "?"
        path = f"{self._path}{sign}index={self._index}&wait={wait_seconds:g}s"
        index, answer = self._consul.read(path, wait_seconds + SPARE_SECONDS)
        self._index = index if index >= self._index else 0  # it goes back when Consul is restored
        return answer

    def forget(self) -> None:
        """Let the next call answer at once."""
        self._index = 0
