"""One connection to Consul: questions, transactions, and what goes wrong as sentences."""

from __future__ import annotations

import base64
import json
from typing import Any, Callable, Iterable, Mapping, Sequence, Tuple, Type, TypedDict, TypeVar, cast

import consul as py_consul
import requests
from consul.callback import CB
from consul.exceptions import ACLDisabled, ACLPermissionDenied, ClientError, ConsulException
from requests.adapters import HTTPAdapter

from cicd.config import Settings, secret
from cicd.errors import ConsulError, Refused

TIMEOUT_SECONDS = 10
ELSEWHERE_SECONDS = 5  # for another datacentre: while it is cut off, others wait for it so long
CONFLICT = "409"
LOST_LOCK = ("lock is already held", "failed session check", "invalid session", "lock isn't held")

D = TypeVar("D", bound=Mapping[str, object])  # the shape of a document, which its writer gave it


class Operation(TypedDict, total=False):
    """One operation of a transaction on a key; `Value` is in base64."""

    Verb: str
    Key: str
    Value: str
    Index: int
    Session: str


class Item(TypedDict, total=False):
    """What Consul has of a key; `Session` is the one that locks it."""

    Key: str
    Value: bytes
    CreateIndex: int
    ModifyIndex: int
    Session: str


Items = Mapping[str, Item]


class Impatient(HTTPAdapter):
    """
    Gives every request a time limit, and lets none go through a proxy: an agent is near.

    py-consul itself takes a time limit only since 1.8, for Python 3.10.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        return super().send(*arguments, **{**options, "timeout": self._seconds, "proxies": {}})


class Connection:
    """Questions to one Consul agent, each with a time limit; about its own *datacenter* or another one."""

    def __init__(self, settings: Settings, datacenter: str = "") -> None:
        self._settings = settings
        self._seconds = ELSEWHERE_SECONDS if datacenter else TIMEOUT_SECONDS
        self._datacenter = [("dc", datacenter)] if datacenter else []
        url = settings.consul.url
        scheme, _, rest = url.partition("://")
        host, _, port = rest.rstrip("/").partition(":")
        token = secret(settings.consul.token_file)
        self._where = f"{url}, asked about datacentre {datacenter}," if datacenter else url
        self._headers = {"X-Consul-Token": token} if token else {}
        self._consul = py_consul.Consul(
            host=host,
            port=int(port or (8501 if scheme == "https" else 8500)),
            scheme=scheme,
            verify=_authority(settings),
            token=token or None,
            dc=datacenter or None,
        )
        self._consul.http.session.mount(f"{scheme}://", Impatient(self._seconds))

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """Return the answer to *question*, which is given the client; ConsulError says why there is none."""
        try:
            return question(self._consul)
        except (ConsulException, requests.RequestException) as error:
            raise self._failure(error) from error

    def item(self, key: str) -> Item | None:
        """Return Consul's item *key* as its leader has it, or None."""
        return cast("Item | None", self.ask(lambda c: c.kv.get(key, consistency="consistent")[1]))

    def json(self, key: str, shape: Type[D]) -> D | None:
        """Return the document *key*, which was written in *shape*, or None."""
        _, item = self.ask(lambda c: c.kv.get(key))
        return cast(D, dict(json.loads(item["Value"]))) if item else None

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below *prefix*."""
        return list(self.ask(lambda c: c.kv.get(prefix, keys=True)[1]) or [])

    def items(self, prefix: str) -> list[Item]:
        """Return the entries below *prefix* as Consul has them."""
        return list(self.ask(lambda c: c.kv.get(prefix, recurse=True)[1]) or [])

    def read(self, prefixes: Iterable[str]) -> dict[str, Item]:
        """Return the items whose keys begin with one of *prefixes*, by key: all as they are at one moment."""
        trees: list[Operation] = [{"Verb": "get-tree", "Key": prefix} for prefix in prefixes]
        answer = self._transact(trees, [("consistent", "1")])
        found = [dict(entry["KV"]) for entry in answer["Results"] or ()]
        items = [{**one, "Value": base64.b64decode(one["Value"] or "")} for one in found]
        return {one["Key"]: cast(Item, one) for one in items}

    def commit(self, operations: Sequence[Operation]) -> bool:
        """
        Apply *operations* all or none; False, with nothing written, when a compared index moved on.

        Raises Refused when a lock that they rely on is not held any more.
        """
        try:
            self._transact(operations)
        except ConsulError as error:
            said = str(error.__cause__)
            if not isinstance(error.__cause__, ClientError) or CONFLICT not in said:
                raise
            if "Permission denied" in said:  # a transaction answers 409 to this as well
                raise self._denied() from error
            if any(words in said for words in LOST_LOCK):
                raise Refused(
                    "This deploy lost its lock before it wrote; nothing was changed.",
                    "It was stolen, or its holder was away too long. See who deploys now, then start again.",
                ) from None
            return False
        return True

    def try_to_write(self, key: str, index: int) -> bool:
        """Make *key* an empty document if it is at *index*; ConsulError when it may not be written."""
        return self._put(key, {}, index)

    def _put(self, key: str, document: Mapping[str, object], index: int) -> bool:
        value = json.dumps(document)
        return bool(self.ask(lambda c: c.kv.put(key, value, cas=index)))

    def _transact(self, operations: Sequence[Operation], asked: Sequence[Tuple[str, str]] = ()) -> Any:
        """Not py-consul's txn.put(): it forgets the token, and cannot ask the leader itself."""
        body = json.dumps([{"KV": operation} for operation in operations])
        where = [*asked, *self._datacenter]
        return self.ask(lambda c: c.http.put(CB.json(), "/v1/txn", where, body, self._headers))

    def _failure(self, error: Exception) -> ConsulError:
        said = str(error)
        if isinstance(error, (ACLPermissionDenied, ACLDisabled)):
            return self._denied()
        if "No path to datacenter" in said:
            return ConsulError(
                f"Consul at {self._where} has no route to it.",
                "See `consul members -wan` on a server: both must be joined, and reach each other.",
            )
        if "leader" in said or "No known Consul servers" in said:
            return ConsulError(
                f"Consul at {self._where} has no leader; nothing was changed.",
                "Start its servers (`consul operator raft list-peers`), then try again.",
            )
        if isinstance(error, requests.exceptions.SSLError):
            return ConsulError(
                f"Consul at {self._where} has a certificate that is not trusted for this address.",
                "Name who signed it in `consul.ca_file`, or give the agent a certificate for the address.",
            )
        if isinstance(error, requests.Timeout):
            return ConsulError(
                f"Consul at {self._where} did not answer within {self._seconds} s.",
                "Look at the agent and the network to its servers, then try again.",
            )
        if isinstance(error, requests.RequestException):
            return ConsulError(
                f"Consul at {self._where} does not answer ({type(error).__name__}).",
                "Start the Consul agent, or correct `consul.url` in the configuration.",
            )
        return ConsulError(
            f"Consul at {self._where} refused: {said:.300}.", "See the agent's log, then try again."
        )

    def _denied(self) -> ConsulError:
        return ConsulError(
            f"Consul at {self._where} denies this; nothing was changed.",
            "Give the token of `consul.token_file` the policies for StackStorm in infra/consul.",
        )


def _authority(settings: Settings) -> str | bool:
    """Return the file with whom to trust, or True for whom the machine trusts; ConfigError if unreadable."""
    path = settings.consul.ca_file
    secret(path)
    return path or True


def set_(key: str, value: str, session: str = "") -> Operation:
    """Return the operation that sets *key*, or that does so and locks it for *session*."""
    operation: Operation = {"Verb": "set", "Key": key, "Value": base64.b64encode(value.encode()).decode()}
    return {**operation, "Verb": "lock", "Session": session} if session else operation


def removed(key: str) -> Operation:
    """Return the operation that removes *key*, whether it is there or not."""
    return {"Verb": "delete", "Key": key}


def unchanged(key: str, index: int) -> Operation:
    """Return the operation that fails unless *key* is at *index* still; 0 is absent."""
    return (
        {"Verb": "check-index", "Key": key, "Index": index}
        if index
        else {"Verb": "check-not-exists", "Key": key}
    )


def document(items: Items, key: str, _: Type[D]) -> D:
    """Return the JSON document *key* among *items*, as it was written; an empty one when there is none."""
    return cast(D, dict(json.loads(items[key]["Value"])) if key in items else {})


def text(items: Items, key: str) -> str:
    """Return the text *key* among *items*."""
    return str(items[key]["Value"], "utf-8", "replace") if key in items else ""


def below(items: Items, prefix: str, shape: Type[D]) -> dict[str, D]:
    """Return the documents below *prefix* among *items*, by the rest of their keys."""
    return {key[len(prefix) :]: document(items, key, shape) for key in items if key.startswith(prefix)}
