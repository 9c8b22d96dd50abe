"""What a machine may do in Consul: a token of its own for cicd-converge, and one for its agent."""

from __future__ import annotations

from typing import NamedTuple, Sequence

from cicd.clients.consul_acl import Acl
from cicd.config import Settings
from cicd.errors import ConfigError, Refused
from cicd.onboarding import consul_acl
from cicd.onboarding.consul_acl import host_token, policy_name
from cicd.onboarding.item import MISSING, OTHER
from cicd.onboarding.wanted import Wanted
from cicd.store.store import Store


class Rights(NamedTuple):
    """The secrets of both tokens; empty where Consul has no ACLs."""

    converge: str = ""
    agent: str = ""


def made(wanted: Wanted) -> Rights:
    """Return the rights of the one host of *wanted*, made where they are not there."""
    acl, (node,) = Acl(wanted.settings), wanted.rings
    if not acl.is_on():
        return Rights()
    if not acl.may_manage:
        raise ConfigError(
            f"Consul has ACLs, and nothing may make a token for {node}.",
            "Set `administration.consul_token_file` in the pack's configuration; docs/adding.md says which.",
        )
    for item in consul_acl.of_hosts(wanted, acl):
        if item.state == OTHER:
            raise Refused(f"{item.what} {item.why}.", "Remove it, or provision another machine.")
        if item.state == MISSING:
            item.make()
    return Rights(consul_acl.secret_of(wanted, node), _agent_secret(acl, wanted.settings, node))


def removed(settings: Settings, node: str, projects: Sequence[str]) -> None:
    """Leave *node* no right in Consul; once more does nothing."""
    acl = Acl(settings)
    if not acl.may_manage or not acl.is_on():
        return
    for policy in filter(None, (acl.policy(policy_name(node, project)) for project in projects)):
        acl.delete_policy(policy)
    for token in filter(None, map(acl.token, (host_token(node), agent_token(node)))):
        acl.delete_token(token)


def agent_token(node: str) -> str:
    """Return the description of the token that the Consul agent of *node* has."""
    return f"the agent of {node}"


def _agent_secret(acl: Acl, settings: Settings, node: str) -> str:
    known = acl.token(agent_token(node))
    if known is None:
        (datacenter, *_) = Store(settings).ask(lambda c: c.catalog.datacenters())
        known = acl.create_agent_token(agent_token(node), node, str(datacenter))
    return str(known["SecretID"])
