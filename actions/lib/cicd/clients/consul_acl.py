"""Consul's ACLs: policies, and the tokens that have them, as a token that may manage them sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Callable, List, Mapping, Optional, TypedDict, cast

from consul.callback import CB
from consul.exceptions import ACLDisabled, ACLPermissionDenied

from cicd.clients.consul import Connection
from cicd.config import Settings, secret
from cicd.errors import ConsulError


class Link(TypedDict, total=False):
    """A policy that a token has."""

    ID: str
    Name: str


class Token(TypedDict, total=False):
    """A token; only one that is read by itself shows its `SecretID`."""

    AccessorID: str
    SecretID: str
    Description: str
    Policies: Optional[List[Link]]
    Local: bool


class Policy(TypedDict, total=False):
    """A policy; only one that is read by itself shows its `Rules`."""

    ID: str
    Name: str
    Rules: str


class Acl:
    """The ACLs of one Consul."""

    def __init__(self, settings: Settings) -> None:
        own, manages = settings.consul.token_file, settings.administration.consul_token_file
        self._own = {"X-Consul-Token": secret(own)} if own else {}
        self._headers = {"X-Consul-Token": secret(manages)} if manages else {}
        self._connection = Connection(replace(settings, consul=replace(settings.consul, token_file=manages)))

    @property
    def may_manage(self) -> bool:
        """Whether there is a token that manages ACLs."""
        return bool(self._headers)

    def is_on(self) -> bool:
        """Say whether this Consul has ACLs at all."""
        try:
            self._ask(lambda c: c.http.get(CB.json(), "/v1/acl/token/self", [], self._own))
        except ConsulError as error:
            if isinstance(error.__cause__, ACLDisabled):
                return False
            if not isinstance(error.__cause__, ACLPermissionDenied):
                raise
        return True

    def own(self) -> Token:
        """Return the token of StackStorm's workers."""
        return cast(Token, self._ask(lambda c: c.http.get(CB.json(), "/v1/acl/token/self", [], self._own)))

    def token(self, description: str) -> Token | None:
        """Return the token with this *description*, its secret included, or None."""
        for one in self._get("tokens") or []:
            if one.get("Description") == description:
                return cast(Token, self._get(f"token/{one['AccessorID']}"))
        return None

    def policy(self, name: str) -> Policy | None:
        """Return the policy *name*, with its rules, or None."""
        for one in self._get("policies") or []:
            if one.get("Name") == name:
                return cast(Policy, self._get(f"policy/{one['ID']}"))
        return None

    def create_policy(self, name: str, rules: str) -> None:
        """Make the policy *name*."""
        self._put("policy", {"Name": name, "Rules": rules})

    def delete_policy(self, policy: Policy) -> None:
        """Remove *policy*, also from the tokens that have it."""
        self._ask(
            lambda c: c.http.delete(CB.boolean(), f"/v1/acl/policy/{policy['ID']}", [], "", self._headers)
        )

    def create_token(self, description: str, policy: str) -> None:
        """Make a token with one *policy*."""
        self._put("token", {"Description": description, "Policies": [{"Name": policy}]})

    def create_agent_token(self, description: str, node: str, datacenter: str) -> Token:
        """Make the token of the agent of *node*, which may register that node and no other; return it."""
        identity = {"NodeName": node, "Datacenter": datacenter}
        return cast(Token, self._put("token", {"Description": description, "NodeIdentities": [identity]}))

    def link(self, token: Token, policy: str) -> None:
        """Let *token* have *policy* as well, if it has not."""
        links = token.get("Policies") or []
        if policy not in [one.get("Name") for one in links]:
            self._put(f"token/{token['AccessorID']}", {**token, "Policies": [*links, {"Name": policy}]})

    def delete_token(self, token: Token) -> None:
        """Remove *token*."""
        path = f"/v1/acl/token/{token['AccessorID']}"
        self._ask(lambda c: c.http.delete(CB.boolean(), path, [], "", self._headers))

    def _get(self, path: str) -> Any:
        return self._ask(lambda c: c.http.get(CB.json(), f"/v1/acl/{path}", [], self._headers))

    def _put(self, path: str, body: Mapping[str, object]) -> Any:
        return self._ask(
            lambda c: c.http.put(CB.json(), f"/v1/acl/{path}", [], json.dumps(body), self._headers)
        )

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            return self._connection.ask(question)
        except ConsulError as error:
            if self.may_manage and isinstance(error.__cause__, ACLPermissionDenied):
                raise ConsulError(
                    "Consul denies the token of `administration.consul_token_file` to manage ACLs.",
                    'Give it the right `acl = "write"`, then try again.',
                ) from error.__cause__
            raise
