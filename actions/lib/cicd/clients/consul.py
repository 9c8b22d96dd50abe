"""One connection to Consul: questions, transactions, and what goes wrong as sentences."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Dict, Mapping, NamedTuple, Sequence
from urllib.parse import quote, urlencode

from cicd.config import Settings, secret
from cicd.errors import ConsulAway, ConsulError, Refused

TIMEOUT_SECONDS = 10
PORTS = {"http": 8500, "https": 8501}
DENIED = (401, 403)
MISSING = 404
CONFLICT = 409
LOST_LOCK = ("lock is already held", "failed session check", "invalid session", "lock isn't held")

Operation = Dict[str, Any]


class Answer(NamedTuple):
    """What an agent answered; only what Consul itself reads has a `data_index`."""

    status: int
    data_index: str | None
    content: bytes

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")


class Agent:
    """
    A Consul agent: each request has a time limit, and none goes through a proxy, since an agent is near.

    It is asked by the standard library: to import py-consul and requests takes longer than most actions work.
    """

    def __init__(self, url: str, token: str, authority: str) -> None:
        self._scheme, _, place = url.rstrip("/").partition("://")
        self._host, _, port = place.partition(":")
        self._port = int(port or PORTS[self._scheme])
        self._headers = {"X-Consul-Token": token} if token else {}
        self._authority = authority
        self._trust: ssl.SSLContext | None = None

    def send(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Return the answer; OSError, HTTPException or ValueError when there is none."""
        connection = self._connection()
        try:
            connection.request(method, path, body or None, self._headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheader("X-Consul-Index"), answer.read())
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if self._scheme == "http":
            return HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=self._authority or None)
        return HTTPSConnection(self._host, self._port, timeout=TIMEOUT_SECONDS, context=self._trust)


class Connection:
    """Questions to one Consul agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._where, authority = str(settings.consul["url"]), str(settings.consul.get("ca_file") or "")
        secret(authority)  # whether it can be read
        self._agent = Agent(self._where, secret(str(settings.consul["token_file"])), authority)

    def ask(self, method: str, path: str, body: str | bytes = "", **query: Any) -> Any:
        """Return what Consul answers, None when there is no such thing; ConsulError when it refuses."""
        answer = self._send(method, path, body, query)
        if answer.status >= 400 and answer.status != MISSING:
            raise self._refusal(answer)
        if method == "GET" and answer.data_index is None:
            raise self._stranger()
        if answer.status == MISSING:
            return None
        try:
            return json.loads(answer.content)
        except ValueError:
            raise self._stranger() from None

    def item(self, key: str) -> dict[str, Any] | None:
        """Return Consul's item *key* as its leader has it, or None."""
        found = self._items(key, consistent=1)
        return found[0] if found else None

    def json(self, key: str) -> dict[str, Any] | None:
        """Return the document *key*, or None."""
        found = self._items(key)
        return dict(json.loads(found[0]["Value"])) if found else None

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below *prefix*."""
        return list(self.ask("GET", f"/v1/kv/{prefix}", keys=1) or [])

    def items(self, prefix: str) -> list[dict[str, Any]]:
        """Return the entries below *prefix* as Consul has them."""
        return self._items(prefix, recurse=1)

    def write(self, key: str, value: str | bytes, **condition: Any) -> bool:
        """Set *key*; False, with nothing written, when the *condition*, `cas` or `acquire`, does not hold."""
        return bool(self.ask("PUT", f"/v1/kv/{key}", value, **condition))

    def remove(self, key: str, **condition: Any) -> bool:
        """Remove *key*; False when the *condition*, `cas`, does not hold."""
        return bool(self.ask("DELETE", f"/v1/kv/{key}", **condition))

    def begin_session(self, name: str, ttl: int) -> str:
        """Return a new session that ends *ttl* seconds after it was last renewed, and its keys with it."""
        # No lock delay: a stale holder is kept off by its generation, not by waiting.
        wanted = {"Name": name, "TTL": f"{ttl}s", "Behavior": "delete", "LockDelay": "0s"}
        return str(self.ask("PUT", "/v1/session/create", json.dumps(wanted))["ID"])

    def renew_session(self, session: str) -> bool:
        """Let *session* last for another time to live; False when it has ended."""
        return self.ask("PUT", f"/v1/session/renew/{session}") is not None

    def end_session(self, session: str) -> None:
        """End *session*, and remove the keys that it holds."""
        self.ask("PUT", f"/v1/session/destroy/{session}")

    def commit(self, operations: Sequence[Operation]) -> bool:
        """
        Apply *operations* all or none; False, with nothing written, when a compared index moved on.

        Raises Refused when a lock that they rely on is not held any more.
        """
        body = json.dumps([{"KV": operation} for operation in operations])
        answer = self._send("PUT", "/v1/txn", body, {})
        if answer.status < 400:
            return True
        if answer.status != CONFLICT:
            raise self._refusal(answer)
        if "Permission denied" in answer.text:  # a transaction answers 409 to this as well
            raise self._denied()
        if any(words in answer.text for words in LOST_LOCK):
            raise Refused(
                "This deploy lost its lock before it wrote; nothing was changed.",
                "It was stolen, or its holder was away too long. See who deploys now, then start again.",
            )
        return False

    def _items(self, key: str, **query: Any) -> list[dict[str, Any]]:
        found = self.ask("GET", f"/v1/kv/{key}", **query) or []
        return [{**one, "Value": one["Value"] and base64.b64decode(one["Value"])} for one in found]

    def _send(self, method: str, path: str, body: str | bytes, query: Mapping[str, Any]) -> Answer:
        asked = quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")
        try:
            return self._agent.send(method, asked, body.encode() if isinstance(body, str) else body)
        except (OSError, HTTPException, ValueError) as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> ConsulError:
        if isinstance(error, ssl.SSLError):
            return ConsulAway(
                f"Consul at {self._where} has a certificate that is not trusted for this address.",
                "Name who signed it in `consul.ca_file`, or give the agent a certificate for the address.",
            )
        if isinstance(error, socket.timeout):
            return ConsulAway(
                f"Consul at {self._where} did not answer within {TIMEOUT_SECONDS} s.",
                "Look at the agent and the network to its servers, then try again.",
            )
        return ConsulAway(
            f"Consul at {self._where} does not answer ({type(error).__name__}).",
            "Start the Consul agent, or correct `consul.url` in the configuration.",
        )

    def _refusal(self, answer: Answer) -> ConsulError:
        if answer.status in DENIED:
            return self._denied()
        if "leader" in answer.text or "No known Consul servers" in answer.text:
            return ConsulError(
                f"Consul at {self._where} has no leader; nothing was changed.",
                "Start its servers (`consul operator raft list-peers`), then try again.",
            )
        return ConsulError(
            f"Consul at {self._where} refused: {answer.status} {answer.text:.300}.",
            "See the agent's log, then try again.",
        )

    def _denied(self) -> ConsulError:
        return ConsulError(
            f"Consul at {self._where} denies this; nothing was changed.",
            "Give the token of `consul.token_file` the policies for StackStorm in infra/consul.",
        )

    def _stranger(self) -> ConsulError:
        return ConsulError(
            f"What answers at {self._where} is no Consul.", "Correct `consul.url` in the configuration."
        )


def set_(key: str, value: str, **more: Any) -> Operation:
    """Return the operation that sets *key*, `Verb` and the like in *more*."""
    return {"Verb": "set", "Key": key, "Value": base64.b64encode(value.encode()).decode(), **more}


def unchanged(key: str, index: int) -> Operation:
    """Return the operation that fails unless *key* is at *index* still; 0 is absent."""
    return (
        {"Verb": "check-index", "Key": key, "Index": index}
        if index
        else {"Verb": "check-not-exists", "Key": key}
    )
