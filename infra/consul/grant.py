"""Which tokens a site has, and what each of them may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cicd.onboarding.consul_acl import host_token
from infra.consul import policy
from infra.consul.policy import Policy
from infra.consul.refusal import Refusal
from infra.consul.site_data import MANAGEMENT, Site


@dataclass(frozen=True)
class Grant:
    """One token: the file with its secret, how Consul describes it, what it may, and of which nodes it is."""

    file: str
    description: str
    policies: tuple[Policy, ...] = ()
    nodes: tuple[str, ...] = ()

    def joined(self, other: Grant) -> Grant:
        """Return what a token of both has to be."""
        policies, nodes = (*self.policies, *other.policies), (*self.nodes, *other.nodes)
        return Grant(self.file, self.description, tuple(dict.fromkeys(policies)), tuple(dict.fromkeys(nodes)))


def of_site(site: Site) -> list[Grant]:
    """Return all tokens of *site*, one for each file."""
    found: dict[str, Grant] = {}
    for host in site.hosts:
        for grant in (*_of_host(site, host), *_of_stackstorm(site, host), *_of_services(site, host)):
            found[grant.file] = found[grant.file].joined(grant) if grant.file in found else grant
    if MANAGEMENT in found:
        raise Refusal(
            f"{MANAGEMENT} is for the token that manages all others. Name another file in {site.path}."
        )
    _refuse_ambiguous(found.values())
    return list(found.values())


def _of_host(site: Site, host: str) -> Iterator[Grant]:
    tokens, roles = site.consul["tokens"], site.hosts[host]["roles"]
    policies = tuple(policy.of_agent(site, host))
    nodes = (host,) if "app_host" in roles or not policies else ()
    yield Grant(site.own(tokens["agent_file"], host), f"the agent of {host}", policies, nodes)
    if "app_host" in roles:
        runs = [policy.of_app_host(host, project) for project in site.hosts[host].get("projects", {})]
        yield Grant(site.own(tokens["converge_file"], host), host_token(host), tuple(runs))
    if "load_balancer" in roles:
        for key in ("traffic", "render"):
            file, part = site.own(tokens[f"{key}_file"], host), f"cicd-{key}"
            yield Grant(file, f"{part} on {host}", (policy.of_node(part, host),))


def _of_stackstorm(site: Site, host: str) -> Iterator[Grant]:
    role = "stackstorm_host"
    if role in site.hosts[host]["roles"]:
        named = _named(site, role, host)
        yield Grant(*_brought(site, role, host, named, "StackStorm"), tuple(policy.of_stackstorm(site, host)))


def _of_services(site: Site, host: str) -> Iterator[Grant]:
    roles = site.hosts[host]["roles"]
    if "status_host" in roles:
        named = _named(site, "status_host", host)
        # Without a place of its own it looks where the pack's configuration says.
        theirs = "" if named else _named(site, "stackstorm_host", host)
        if named or theirs in _secrets(site, "status_host", host):
            found = _brought(site, "status_host", host, named or theirs, "the status page")
            yield Grant(*found, (policy.of_everyone("status-page"),))
    named = _named(site, "gateway_host", host) if "gateway_host" in roles else ""
    if named:
        found = _brought(site, "gateway_host", host, named, "the gateway")
        yield Grant(*found, (policy.of_everyone("gateway"),))


def _named(site: Site, role: str, host: str) -> str:
    """Return where *role* on *host* looks for its token."""
    consul: Any = site.config(role, host).get("consul")
    return str(consul.get("token_file") or "") if isinstance(consul, dict) else ""


def _secrets(site: Site, role: str, host: str) -> dict[str, str]:
    secrets = site.data[role]["secrets"].items()
    return {site.own(place, host): file for place, file in secrets}


def _brought(site: Site, role: str, host: str, place: str, description: str) -> tuple[str, str]:
    """Return which file comes to *place*, and the description of the token in it."""
    config, secrets = site.data[role]["config_file"], _secrets(site, role, host)
    if not place:
        raise Refusal(
            f"{config} names no `consul.token_file`. Name one, and its file in `secrets` of {role}."
        )
    if place not in secrets:
        raise Refusal(
            f"{config} names {place}, which `secrets` of {role} does not bring. Add it to {site.path}."
        )
    file = secrets[place]
    return site.own(file, host), f"{description} on {host}" if "{host}" in file else description


def _refuse_ambiguous(grants: Iterable[Grant]) -> None:
    rules: dict[str, str] = {}
    for grant in grants:
        for one in grant.policies:
            if rules.setdefault(one.name, one.rules) != one.rules:
                raise Refusal(f"Two policies would have the name {one.name}. Rename the host or the project.")
