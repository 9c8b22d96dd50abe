"""Letting Consul know the tokens of a site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infra.consul import token_file
from infra.consul.acl import UNKNOWN, Acl
from infra.consul.grant import Grant
from infra.consul.policy import Policy
from infra.consul.refusal import Refusal
from infra.consul.site_data import MANAGEMENT, Site


class Granting:
    """Makes and changes policies and tokens of *site* by the token *manager*; what is right stays."""

    def __init__(self, acl: Acl, manager: str, site: Site) -> None:
        self._acl, self._manager, self._site = acl, manager, site

    def policies(self, grants: Iterable[Grant]) -> Iterator[str]:
        """Make all policies, and yield a line for each that was not as it has to be."""
        there = {one["Name"]: one["ID"] for one in self._acl.get("policies", self._manager)}
        for policy in dict.fromkeys(policy for grant in grants for policy in grant.policies):
            if policy.name not in there:
                self._acl.put("policy", self._manager, {"Name": policy.name, "Rules": policy.rules})
                yield f"policy {policy.name}: made"
            elif self._is_changed(policy, there[policy.name]):
                yield f"policy {policy.name}: changed"

    def _is_changed(self, policy: Policy, number: str) -> bool:
        found = self._acl.get(f"policy/{number}", self._manager)
        if policy.may_say_more or found["Rules"].split() == policy.rules.split():
            return False
        self._acl.put(f"policy/{number}", self._manager, {**found, "Rules": policy.rules})
        return True

    def tokens(self, grants: Iterable[Grant]) -> Iterator[str]:
        """Make all tokens, and yield a line for each that was not as it has to be."""
        there = self._acl.get("tokens", self._manager)
        for grant in grants:
            described = [one for one in there if one.get("Description") == grant.description]
            did = self._token(grant, described)
            if did:
                yield f"token {grant.description}: {did}"

    def _token(self, grant: Grant, described: list[dict[str, Any]]) -> str:
        secret = token_file.secret(self._site.files / grant.file)
        found = self._known(secret)
        others = [one for one in described if not found or one["AccessorID"] != found["AccessorID"]]
        wanted = self._wanted(grant, [*others, *([found] if found else [])])
        did = ""
        if not found:
            self._acl.put("token", self._manager, {"SecretID": secret, **wanted})
            did = "made"
        elif any(_seen(found.get(key)) != _seen(value) for key, value in wanted.items()):
            self._acl.put(f"token/{found['AccessorID']}", self._manager, {**found, **wanted})
            did = "changed"
        for one in others:
            self._acl.demand("DELETE", f"token/{one['AccessorID']}", self._manager)
            did = "replaced"
        return did

    def _wanted(self, grant: Grant, earlier: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the token of *grant*, with what `cicd.add_project` let *earlier* ones do as well."""
        names = [link["Name"] for one in earlier for link in one.get("Policies") or []]
        names += [policy.name for policy in grant.policies]
        nodes = [link for one in earlier for link in one.get("NodeIdentities") or []]
        nodes += [{"NodeName": node, "Datacenter": self._site.consul["datacenter"]} for node in grant.nodes]
        return {
            "Description": grant.description,
            "Policies": [{"Name": name} for name in dict.fromkeys(names)],
            "NodeIdentities": [link for at, link in enumerate(nodes) if link not in nodes[:at]],
        }

    def _known(self, secret: str) -> dict[str, Any] | None:
        """Return the token with this *secret*, or None."""
        answer = self._acl.ask("GET", "token/self", secret)
        if answer.code == 200:
            return dict(answer.value)
        if UNKNOWN in answer.text or answer.code in (403, 404):
            return None
        raise Refusal(f"Consul at {self._acl.url} answered {answer.code} to GET token/self: {answer.text}")


def _seen(value: Any) -> Any:
    """Return *value* so that links to the same policies are equal: Consul adds their numbers."""
    if isinstance(value, list):
        return sorted(str(link.get("Name") or sorted(link.items())) for link in value)
    return value or []


def manager(acl: Acl, site: Site) -> str:
    """Return the token that manages all others; it is made if Consul has none yet."""
    path = site.files / MANAGEMENT
    if not path.exists():
        _bootstrap(acl, path)
    return token_file.secret(path)


def _bootstrap(acl: Acl, path: Path) -> None:
    """Have the management token made. Its file is there before: Consul shows it only once."""
    with token_file.reserved(path) as descriptor:
        answer = acl.ask("PUT", "bootstrap", "")
        if answer.code == 200:
            token_file.fill(descriptor, answer.value["SecretID"])
        elif answer.code == 403:
            raise Refusal(
                f"Someone else made the management token of Consul at {acl.url}. Write it into {path}, "
                f"or reset it as Consul's documentation says ({answer.text})."
            )
        else:
            raise Refusal(f"Consul at {acl.url} makes no management token: {answer.code} {answer.text}")
