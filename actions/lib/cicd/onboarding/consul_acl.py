"""The project's policies in Consul: of StackStorm's token, and of the token of each of its hosts."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Iterator

from cicd.clients.consul_acl import Acl, Policy, Token
from cicd.errors import ConsulError
from cicd.onboarding.item import LEFT, MISSING, OTHER, THERE, Item
from cicd.onboarding.wanted import Wanted

HERE = Path(__file__).parent
KEY = """
key "{key}" {{
  policy = "write"
}}
"""
STACKSTORM = "stackstorm"


def items(wanted: Wanted) -> Iterator[Item]:
    """Yield a policy for StackStorm and one for each host; nothing where Consul has no ACLs."""
    acl, project = Acl(wanted.settings), wanted.project.name
    if not acl.is_on():
        return
    if not acl.may_manage:
        why = "`administration.consul_token_file` is not set; docs/consul.md has the commands"
        yield Item(f"the Consul policies and tokens of {project}", LEFT, why=why)
        return
    own = acl.own()
    yield _item(
        acl, policy_name(STACKSTORM, project), _stackstorm_rules(wanted), own, "StackStorm's token", ""
    )
    yield from of_hosts(wanted, acl)


def of_hosts(wanted: Wanted, acl: Acl) -> Iterator[Item]:
    """Yield the policy of each host, where Consul has ACLs that *acl* may manage."""
    project = wanted.project.name
    for node in sorted(wanted.rings):
        owner = host_token(node)
        rules = _text("app-host").replace("PROJECT", project).replace("NODE", node)
        yield _item(acl, policy_name(node, project), rules, acl.token(owner), f"the token of {node}", owner)


def policy_name(owner: str, project: str) -> str:
    """
    Return the name of the policy of *owner*, a node or StackStorm, for *project*.

    Consul takes 128 letters, digits, `-` and `_`: another name is known by what stands for all of it.
    """
    name = f"{owner}-{project}"
    if re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name):
        return name
    return f"{re.sub('[^A-Za-z0-9_-]', '_', name)[:100]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def host_token(node: str) -> str:
    """Return the description of the token that cicd-converge on *node* has."""
    return f"cicd-converge on {node}"


def _item(acl: Acl, name: str, rules: str, token: Token | None, called: str, owner: str) -> Item:
    policy = acl.policy(name)
    state, why = _state(name, rules, policy, token), ""
    if state == OTHER:
        why = "is there and says something else"
    return Item(
        f"the Consul policy {name} on {called}",
        state,
        lambda: _make(acl, name, rules, owner),
        lambda: _remove(acl, name, owner),
        why,
    )


def _state(name: str, rules: str, policy: Policy | None, token: Token | None) -> str:
    if policy and policy.get("Rules", "").split() != rules.split():
        return OTHER
    linked = [link.get("Name") for link in (token or Token()).get("Policies") or []]
    return THERE if policy and name in linked else MISSING


def _make(acl: Acl, name: str, rules: str, owner: str) -> None:
    if not acl.policy(name):
        acl.create_policy(name, rules)
    token = acl.token(owner) if owner else acl.own()
    if token is None:
        acl.create_token(owner, name)
    else:
        acl.link(token, name)


def _remove(acl: Acl, name: str, owner: str) -> None:
    policy = acl.policy(name)
    if policy:
        acl.delete_policy(policy)
    token = acl.token(owner) if owner else None
    if token and not token.get("Policies"):
        acl.delete_token(token)


def secret_of(wanted: Wanted, node: str) -> str:
    """Return the secret of the token of *node*; empty where Consul has no ACLs, or people make tokens."""
    acl = Acl(wanted.settings)
    if not acl.may_manage or not acl.is_on():
        return ""
    token = acl.token(host_token(node))
    if token is None:
        raise ConsulError(f"Consul has no token `{host_token(node)}`.", "Run cicd.add_project again.")
    return str(token["SecretID"])


def _stackstorm_rules(wanted: Wanted) -> str:
    rules = _text("stackstorm-project").replace("PROJECT", wanted.project.name)
    keys = wanted.settings.version_keys(wanted.project).values()
    return rules + "".join(KEY.format(key=key) for key in keys if f'"{key}"' not in rules)


def _text(name: str) -> str:
    return (HERE / f"{name}.hcl").read_text(encoding="utf-8")
