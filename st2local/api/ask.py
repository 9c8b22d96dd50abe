"""One request: who asks, for what, and how the answer is to be cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response

from st2local.assembly import Engine
from st2local.errors import ForbiddenError, RefusedError
from st2local.values import Values

DEFAULT_LIMIT = 100


@dataclass
class Ask:
    """A request whose sender is known."""

    engine: Engine
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    user: str
    how: Values

    def json(self) -> Any:
        """Return the parsed body; raises RefusedError. An empty body is an empty object."""
        kind = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        try:
            if kind in ("application/json", "text/plain", ""):
                return json.loads(self.content or b"{}")
            if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
                return parse_qs(self.content.decode())
        except (ValueError, UnicodeDecodeError, RecursionError) as error:
            raise RefusedError(f"Failed to parse request body: {error}") from error
        raise RefusedError(f'Failed to parse request body: Unsupported Content-Type: "{kind}"')

    def body(self) -> Values:
        """Return the parsed body, which must be an object; raises RefusedError."""
        found = self.json()
        if not isinstance(found, dict):
            raise RefusedError(f"{found!r} is not of type 'object'")
        return found

    def as_user(self, named: Any) -> str:
        """Return who asks; raises ForbiddenError when the request is in the name of somebody else."""
        if named and named != self.user:
            raise ForbiddenError(f"{self.user} cannot act as {named}; log in as {named}.")
        return self.user

    def number(self, name: str, default: int) -> int:
        """Return a whole number of the query; raises RefusedError."""
        given = self.query.get(name)
        if given in (None, "", "None"):
            return default
        try:
            return int(str(given))
        except ValueError:
            raise RefusedError(f'Invalid value "{given}" for query parameter "{name}".') from None

    @property
    def limit(self) -> int:
        """How many are wanted; -1 for all."""
        limit = self.number("limit", DEFAULT_LIMIT)
        if limit < -1:
            raise RefusedError(f'Limit, "{limit}" specified, must be a positive number.')
        return limit

    @property
    def offset(self) -> int:
        """How many to pass over."""
        return max(0, self.number("offset", 0))

    def flag(self, name: str) -> bool:
        """Return a truth value of the query."""
        return str(self.query.get(name, "")).lower() in ("true", "1", "yes")

    def names(self, name: str) -> list[str]:
        """Return a list of the query, separated by commas."""
        return [one for one in str(self.query.get(name) or "").split(",") if one]

    def wants(self, attribute: str) -> bool:
        """Return whether an answer is to have an attribute, or a part of it."""
        included = [name.partition(".")[0] for name in self.names("include_attributes")]
        return attribute in included if included else attribute not in self.names("exclude_attributes")


def cut(ask: Ask, document: Values) -> Values:
    """Return the attributes that are wanted, in a document."""
    included, excluded = ask.names("include_attributes"), ask.names("exclude_attributes")
    if included:
        kept: Values = {name: document[name] for name in ("id", "ref") if name in document}
        for name in included:
            _copy(document, kept, name.split("."))
        return kept
    return {name: value for name, value in document.items() if name not in excluded}


def _copy(source: Any, target: Values, path: list[str]) -> None:
    name = path[0]
    if not isinstance(source, dict) or name not in source:
        return
    if len(path) == 1:
        target[name] = source[name]
    elif isinstance(source[name], dict):
        nested = target.get(name)
        if nested is source[name]:
            return
        _copy(source[name], target.setdefault(name, {}), path[1:])


def page(ask: Ask, documents: list[Values], total: int | None = None) -> Response:
    """Answer with one page; without `total` the list is whole, and cut here."""
    if total is None:
        total = len(documents)
        end = None if ask.limit == -1 else ask.offset + ask.limit
        documents = documents[ask.offset : end]
    headers = {"X-Total-Count": str(total), "X-Limit": str(ask.limit)}
    return JSONResponse([cut(ask, one) for one in documents], headers=headers)
