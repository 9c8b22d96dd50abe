"""Consul: the record of releases, changed by compare-and-set, and the hosts it knows."""

from __future__ import annotations

import base64
import json
import random
import time
from typing import Any, Callable, Mapping

import consul as py_consul
import requests
from consul.callback import CB
from consul.exceptions import ClientError, ConsulException
from requests.adapters import HTTPAdapter

from cicd import record
from cicd import release as releases
from cicd.config import Project, Settings, secret
from cicd.errors import ConsulError, Refused
from cicd.record import Cause
from cicd.release import RINGS, Release, Ring

ATTEMPTS = 5
UPDATE_ATTEMPTS = 50  # a burst of pushes writes one document
TIMEOUT_SECONDS = 10
TRANSACTION_CONFLICT = "409"

Change = Callable[[Release], Release]


class _Impatient(HTTPAdapter):
    """Gives every request a time limit; py-consul itself takes one only since 1.8, for Python 3.10."""

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        return super().send(*arguments, **{**options, "timeout": TIMEOUT_SECONDS})


class Store:
    """What the pack reads from and writes to one Consul."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        url = str(settings.consul["url"])
        scheme, _, rest = url.partition("://")
        host, _, port = rest.rstrip("/").partition(":")
        token = secret(str(settings.consul["token_file"]))
        self._where = url
        self._headers = {"X-Consul-Token": token} if token else {}
        self._consul = py_consul.Consul(
            host=host,
            port=int(port or 8500),
            scheme=scheme,
            token=token or None,
        )
        self._consul.http.session.mount(f"{scheme}://", _Impatient())

    def release(self, project: str) -> Release:
        """Return the release of *project*; a new, empty one when none is recorded."""
        return self._load(project)[0]

    def change(self, project: str, what: str, ring: str, cause: Cause, decide: Change) -> Release:
        """
        Apply *decide* to the release of *project* and return the new one.

        Record, contract keys, wanted document and history are written in one transaction.
        When another writer was faster the decision is taken again on what it left; the
        refusals of *decide* pass through, with nothing written.
        """
        for _ in range(ATTEMPTS):
            before, index = self._load(project)
            after = decide(before)
            entry = record.audit(before, after, what, ring, cause)
            if self._commit(_operations(after, index, entry)):
                return after
        raise ConsulError(
            f"The release of {project} kept changing while this change was decided ({ATTEMPTS} tries).",
            "Another deploy is busy; try again when it has ended.",
        )

    def history(self, project: str, last: int) -> list[dict[str, Any]]:
        """Return the *last* history entries of *project*, newest first."""
        keys = self._ask(lambda c: c.kv.get(f"cicd/{project}/history/", keys=True)[1]) or []
        return [entry for entry in map(self._json, sorted(keys, reverse=True)[:last]) if entry]

    def report(self, project: str, node: str) -> dict[str, Any] | None:
        """Return what host *node* last reported about *project*, or None."""
        return self._json(f"cicd/{project}/hosts/{node}")

    def reports(self, project: str) -> dict[str, dict[str, Any]]:
        """Return what each host last reported about *project*, by node."""
        items = self._ask(lambda c: c.kv.get(f"cicd/{project}/hosts/", recurse=True)[1]) or []
        return {item["Key"].rpartition("/")[2]: json.loads(item["Value"]) for item in items}

    def run(self, project: str, commit: str) -> dict[str, Any] | None:
        """Return the record of the pipeline run of *commit*, or None."""
        return self._json(f"cicd/{project}/runs/{commit}")

    def runs(self, project: str) -> dict[str, dict[str, Any]]:
        """Return the records of all pipeline runs of *project*, by commit."""
        return {key.rpartition("/")[2]: run for key, run in self.below(f"cicd/{project}/runs/").items()}

    def advance(self, project: str, commit: str, leaving: set[str | None], run: Mapping[str, Any]) -> bool:
        """
        Move the run of *commit* to *run*, whose `stage` says where it is now.

        False, with nothing written, unless its present stage is one of *leaving* (None: no
        run yet): of two deliveries of one event, exactly one advances.
        """
        key = f"cicd/{project}/runs/{commit}"
        _, item = self._ask(lambda c: c.kv.get(key))
        known = json.loads(item["Value"]) if item else {}
        if known.get("stage") not in leaving:
            return False
        return self._put(key, {**known, **run}, item["ModifyIndex"] if item else 0)

    def update(
        self, key: str, change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Apply *change* to the document *key* by compare-and-set; return it before and after."""
        for _ in range(UPDATE_ATTEMPTS):
            _, item = self._ask(lambda c: c.kv.get(key, consistency="consistent"))
            before = dict(json.loads(item["Value"])) if item else {}
            after, index = change(before), item["ModifyIndex"] if item else 0
            if after == before or self._put(key, after, index):
                return before, after
            time.sleep(random.uniform(0, 0.1))
        raise ConsulError(f"The key {key} kept changing ({UPDATE_ATTEMPTS} tries).", "Try again.")

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the document *key*, or None."""
        return self._json(key)

    def put(self, key: str, document: Mapping[str, Any]) -> None:
        """Write *document* to *key*, whatever was there."""
        self._ask(lambda c: c.kv.put(key, json.dumps(document)))

    def delete(self, key: str) -> None:
        """Remove *key*."""
        self._ask(lambda c: c.kv.delete(key))

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below *prefix*."""
        return list(self._ask(lambda c: c.kv.get(prefix, keys=True)[1]) or [])

    def below(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return the documents below *prefix*, by key."""
        items = self._ask(lambda c: c.kv.get(prefix, recurse=True)[1]) or []
        return {item["Key"]: json.loads(item["Value"]) for item in items}

    def health(self, project: Project) -> list[dict[str, Any]]:
        """Return Consul's health entries of every app host of *project*, healthy or not."""
        service, tag = self._settings.service_name(project), self._settings.tag(project)
        return list(self._ask(lambda c: c.health.service(service, tag=tag)[1]))

    def healthy(self, service: str, tag: str) -> list[dict[str, Any]]:
        """Return the health entries of *service* with *tag* whose every check passes."""
        return list(self._ask(lambda c: c.health.service(service, tag=tag, passing=True)[1]))

    def _load(self, project: str) -> tuple[Release, int]:
        _, item = self._ask(lambda c: c.kv.get(f"cicd/{project}/release", consistency="consistent"))
        if item is None:
            return Release(project), 0
        try:
            return record.from_json(json.loads(item["Value"])), int(item["ModifyIndex"])
        except ValueError:
            raise Refused(
                f"The release record of {project} in Consul is not JSON; nothing may be deployed from it.",
                f"Repair the key cicd/{project}/release from cicd/{project}/history.",
            ) from None

    def _commit(self, operations: list[dict[str, Any]]) -> bool:
        body = json.dumps([{"KV": operation} for operation in operations])
        try:
            # Not py-consul's txn.put(): it forgets the token.
            self._ask(lambda c: c.http.put(CB.json(), "/v1/txn", headers=self._headers, data=body))
        except ConsulError as error:
            if isinstance(error.__cause__, ClientError) and TRANSACTION_CONFLICT in str(error.__cause__):
                return False
            raise
        return True

    def _put(self, key: str, document: Mapping[str, Any], index: int) -> bool:
        value = json.dumps(document)
        return bool(self._ask(lambda c: c.kv.put(key, value, cas=index)))

    def _json(self, key: str) -> dict[str, Any] | None:
        _, item = self._ask(lambda c: c.kv.get(key))
        return dict(json.loads(item["Value"])) if item else None

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            return question(self._consul)
        except ConsulException as error:
            raise ConsulError(
                f"Consul at {self._where} refused: {error}.",
                "Check that it has a leader, and that the ACL token may read and write cicd/.",
            ) from error
        except requests.RequestException as error:
            raise ConsulError(
                f"Consul at {self._where} does not answer ({type(error).__name__}).",
                "Start the Consul agent, or correct `consul.url` in the configuration.",
            ) from error


def _operations(after: Release, index: int, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    project = after.project
    value = json.dumps(record.to_json(after), sort_keys=True)
    return [
        {"Verb": "cas", "Key": f"cicd/{project}/release", "Value": _encoded(value), "Index": index},
        _contract(f"{project}::version", after.production),
        _contract(f"{project}::canary_version", after.canary),
        # Both, since a hold concerns both; a value that stays wakes no host.
        *(_set(f"cicd/{project}/wanted/{ring}", releases.wanted_document(after, ring)) for ring in RINGS),
        _set(f"cicd/{project}/history/{after.generation:08d}", json.dumps(entry, sort_keys=True)),
    ]


def _contract(key: str, ring: Ring) -> dict[str, Any]:
    return _set(key, ring.wanted.version) if ring.wanted else {"Verb": "delete", "Key": key}


def _set(key: str, value: str) -> dict[str, Any]:
    return {"Verb": "set", "Key": key, "Value": _encoded(value)}


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
