"""The policies of this folder, for one host or project each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cicd import config
from cicd.errors import CicdError
from cicd.onboarding.consul_acl import KEY, STACKSTORM, policy_name
from cicd.settings import Settings
from infra.consul.refusal import Refusal
from infra.consul.site_data import Site

HERE = Path(__file__).parent
# What the agent of a host with a role may, and as which service the host offers itself there.
AGENTS = {
    "build_host": ("build-host", "build"),
    "repository_host": ("repository-host", "apt"),
    "load_balancer": ("load-balancer", ""),
}
SESSION = 'session "{node}" {{\n  policy = "write"\n}}\n'
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of a name that gets into a rule


@dataclass(frozen=True)
class Policy:
    """
    A policy by its name in Consul.

    With *may_say_more* one that is there stays: the version keys of such a project are not known here.
    """

    name: str
    rules: str
    may_say_more: bool = False


def of_node(part: str, node: str) -> Policy:
    """Return the policy *part* for *node*."""
    return Policy(policy_name(node, part), _text(part).replace("NODE", node))


def of_agent(site: Site, node: str) -> Iterator[Policy]:
    """Yield what the roles of *node* let its agent do."""
    for role in site.hosts[node]["roles"]:
        if role in AGENTS:
            part, service = AGENTS[role]
            policy = of_node(part, node)
            named = policy.rules.replace(
                f'service "{service}"', f'service "{site.data[role].get("service")}"'
            )
            yield Policy(policy.name, named if service else policy.rules)


def of_app_host(node: str, project: str) -> Policy:
    """Return what lets *node* run *project*, as `cicd.add_project` makes it."""
    rules = _text("app-host").replace("PROJECT", project).replace("NODE", node)
    return Policy(policy_name(node, project), rules)


def of_stackstorm(site: Site, host: str) -> Iterator[Policy]:
    """Yield what StackStorm on *host* may do: once, and for each project."""
    settings = _settings(site, host)
    first, *others = _asked(site, settings)
    sessions = [SESSION.format(node=node) for node in others]
    yield Policy(STACKSTORM, "\n".join([_text("stackstorm").replace("NODE", first), *sessions]))
    for project in dict.fromkeys([*settings.projects, *site.data["projects"]]):
        yield _of_project(settings, project)


def of_everyone(part: str) -> Policy:
    """Return the policy *part*, which is the same wherever it is used."""
    return Policy(part, _text(part))


def _of_project(settings: Settings, project: str) -> Policy:
    if not WORD.fullmatch(project):
        raise Refusal(
            f"{project!r} is not a name of a project that a policy can have. Rename it in cicd.yaml."
        )
    rules, known = _text("stackstorm-project").replace("PROJECT", project), settings.projects.get(project)
    keys = settings.version_keys(known).values() if known else ()
    more = "".join(KEY.format(key=key) for key in keys if f'"{key}"' not in rules)
    return Policy(policy_name(STACKSTORM, project), rules + more, may_say_more=known is None)


def _settings(site: Site, host: str) -> Settings:
    """Return the pack's configuration, without the projects whose files are on StackStorm's machine."""
    given = {
        key: value for key, value in site.config("stackstorm_host", host).items() if key != "projects_dir"
    }
    try:
        return config.parse(given)
    except CicdError as error:
        path = site.files / site.own(site.data["stackstorm_host"]["config_file"], host)
        raise Refusal(f"{path} cannot be used: {error.message} Correct it, then try again.") from None


def _asked(site: Site, settings: Settings) -> list[str]:
    """Return the hosts whose agents StackStorm asks: its sessions are of their nodes."""
    address = urlsplit(settings.consul.url).hostname
    named = [name for name, host in site.hosts.items() if address in (name, host["address"])]
    return named or site.with_role("stackstorm_host")


def _text(part: str) -> str:
    return (HERE / f"{part}.hcl").read_text(encoding="utf-8")
