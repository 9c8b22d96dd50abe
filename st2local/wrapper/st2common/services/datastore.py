"""The datastore, over the REST API."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

SYSTEM_SCOPE = "st2kv.system"


class Key:
    """One key, as `list_values` gives it."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class DatastoreService:
    """Keys of the pack; a local name belongs to one class."""

    def __init__(self, api_url: str, token: str, pack: str, class_name: str) -> None:
        self._api_url = api_url
        self._token = token
        self._prefix = f"{pack}.{class_name}:"

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; raises urllib's errors. Returns the parsed answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._api_url + path, data=data, method=method)
        request.add_header("X-Auth-Token", self._token)
        request.add_header("Content-Type", "application/json")
        # No proxy stands between an action and its own server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def _name(self, name: str, local: bool) -> str:
        return self._prefix + name if local else name

    def get_user_info(self) -> Any:
        """Return who is asking."""
        return self.request("GET", "/user")

    def list_values(
        self, local: bool = True, prefix: Any = None, limit: Any = None, offset: Any = None
    ) -> Any:
        """Return keys whose name begins with `prefix`."""
        full = self._name(prefix or "", local)
        query = urllib.parse.urlencode({"prefix": full, "limit": limit or 100, "offset": offset or 0})
        return [Key(**one) for one in self.request("GET", f"/keys?{query}")]

    def get_value(
        self, name: str, local: bool = True, scope: str = SYSTEM_SCOPE, decrypt: bool = False
    ) -> Any:
        """Return a key's value; None on every error, as StackStorm does."""
        query = urllib.parse.urlencode({"scope": scope, "decrypt": str(decrypt).lower()})
        path = urllib.parse.quote(self._name(name, local), safe="")
        try:
            return self.request("GET", f"/keys/{path}?{query}")["value"]
        except Exception as error:
            if not (isinstance(error, urllib.error.HTTPError) and error.code == 404):
                sys.stderr.write(f"datastore: {name} could not be read: {error}\n")
            return None

    def set_value(
        self, name: str, value: Any, ttl: Any = None, local: bool = True, scope: str = SYSTEM_SCOPE,
        encrypt: bool = False,
    ) -> bool:  # fmt: skip
        """Set a key to the text of `value`."""
        if scope != SYSTEM_SCOPE:
            raise ValueError(f'Scope {scope} is unsupported. Supported scopes: "{SYSTEM_SCOPE}"')
        full = self._name(name, local)
        body = {"name": full, "value": str(value), "scope": scope, "secret": encrypt}
        if ttl:
            body["ttl"] = ttl
        self.request("PUT", f"/keys/{urllib.parse.quote(full, safe='')}", body)
        return True

    def delete_value(self, name: str, local: bool = True, scope: str = SYSTEM_SCOPE) -> bool:
        """Delete a key; returns whether it was there."""
        full = urllib.parse.quote(self._name(name, local), safe="")
        try:
            self.request("DELETE", f"/keys/{full}?scope={scope}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True
