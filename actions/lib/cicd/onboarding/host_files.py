"""What a host needs to run the project: cicd-converge's settings, service in Consul, environment, watch."""

from __future__ import annotations

import hashlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Dict, Iterator, Mapping, Tuple

from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import HostError
from cicd.onboarding import changes, environment_file
from cicd.onboarding.consul_acl import secret_of
from cicd.onboarding.item import GONE, LEFT, MISSING, OTHER, THERE, Item
from cicd.onboarding.wanted import Wanted
from cicd.release.host import Host
from cicd.release.lifecycle import PAIR
from cicd.release.version import package_name
from cicd.store.store import Store

SECONDS = 60
REGISTERED_SECONDS = 30
REMOVAL_SECONDS = 300
TOKEN_LINE = re.compile(r'^ *"token": .*\n', re.MULTILINE)
WATCH = "watch"


def items(wanted: Wanted) -> Iterator[Item]:
    """Yield one item for each host, made over SSH, else in the folder for configuration management."""
    hosts = nodes(wanted)
    for name in sorted(set(wanted.rings) - {host.name for host in hosts}):
        yield Item(f"{wanted.project.name} on {name}", GONE, why="has no node in Consul")
    if not wanted.settings.administration.ssh_key_file:
        yield from _in_folder(wanted, hosts)
        return
    with ThreadPoolExecutor(wanted.settings.ssh.parallel) as pool:
        yield from pool.map(partial(_over_ssh, wanted), hosts)


def nodes(wanted: Wanted) -> list[Host]:
    """Return the hosts of the project that Consul knows."""
    catalog = Store(wanted.settings).ask(lambda c: c.catalog.nodes()[1])
    known = {str(node["Node"]): Host(str(node["Node"]), str(node["Address"])) for node in catalog}
    return [known[node] for node in sorted(wanted.rings) if node in known]


def settings_file(wanted: Wanted, host: Host) -> str:
    """Return the settings with which cicd-converge on *host* knows the project."""
    settings, project, request = wanted.settings, wanted.project, wanted.request
    tags = settings.tags(project)
    by_ring = {name: tag for name, tag in tags.items() if tag}
    values = {"SERVICE": settings.service_name(project), "TAG": settings.tag(project)}
    if project.lifecycle is PAIR:
        values["CANARY_TAG"] = settings.canary_tag(project)
        values["STABLE_TAG"] = f"{settings.tag(project)}_stable"
    else:
        values["RINGS"] = f'"{" ".join(f"{name}={tag}" for name, tag in by_ring.items())}"'
    values["HEALTH_URL"] = _health(wanted, host)
    values["UNIT"] = request["unit"]
    return "".join(f"{key}={value}\n" for key, value in values.items() if value)


def service_file(wanted: Wanted, host: Host, token: str = "") -> str:
    """Return the definition of the project's service for the Consul agent of *host*, with its *token*."""
    settings, project = wanted.settings, wanted.project
    own = settings.tags(project).get(wanted.rings[host.name], "")
    check = {
        "id": f"{project.name}:health",
        "name": f"{project.name} answers",
        "http": _health(wanted, host),
        "interval": "2s",
        "timeout": "5s",
    }
    service = {
        "id": settings.service_name(project),
        "name": settings.service_name(project),
        "tags": list(dict.fromkeys(tag for tag in (settings.tag(project), own) if tag)),
        "address": host.address,
        "port": wanted.request["port"],
        "checks": [check],
    }
    return json.dumps({"service": {**service, **({"token": token} if token else {})}}, indent=2) + "\n"


def wait_registered(wanted: Wanted) -> None:
    """Return once Consul has the project's service on each host; HostError names one where it has not."""
    store, deadline = Store(wanted.settings), time.monotonic() + REGISTERED_SECONDS
    while True:
        missing = sorted(set(wanted.rings) - {one.name for one in store.health(wanted.project)})
        if not missing:
            return
        if time.monotonic() > deadline:
            raise HostError(
                f"Consul's agent on {missing[0]} did not register {wanted.project.name}.",
                "Read its log there. Does it read /etc/consul.d, and is its unit consul.service?",
            )
        time.sleep(0.5)


def files(wanted: Wanted, host: Host, token: str = "") -> Dict[str, str]:
    """Return what *host* has of the project, by path."""
    name = wanted.project.name
    return {
        f"/etc/cicd/projects/{name}.conf": settings_file(wanted, host),
        f"/etc/consul.d/cicd-{name}.json": service_file(wanted, host, token),
        **environment_file.files(wanted.project, host),
    }


def _over_ssh(wanted: Wanted, host: Host) -> Item:
    state, why = _seen(wanted, host)
    return Item(
        f"{wanted.project.name} on {host.name}",
        state,
        lambda: _make(wanted, host),
        lambda: remove(wanted.settings, wanted.project, host, wanted.uninstall),
        why,
    )


def _seen(wanted: Wanted, host: Host) -> Tuple[str, str]:
    try:
        with shell(wanted.settings, host) as there:
            found = _digests(there.script("see_project", [wanted.project.name], SECONDS))
    except HostError as error:  # one that is off keeps nobody from removing the project elsewhere
        return OTHER, f"cannot be looked at: {error.message}"
    state = _state(found, {path: _digest(text) for path, text in files(wanted, host).items()})
    return state, "is there with other settings" if state == OTHER else ""


def _state(found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    if any(found.get(path, digest) != digest for path, digest in expected.items()):
        return OTHER
    return THERE if {*expected, WATCH} <= set(found) else MISSING


def _make(wanted: Wanted, host: Host) -> None:
    name, token = wanted.project.name, secret_of(wanted, host.name)
    texts = dict(zip(("conf", "service", "environment"), files(wanted, host, token).values()))
    with shell(wanted.settings, host) as there:
        folder = there.script("make_folder", [], SECONDS).strip()
        for file, text in {**texts, "token": token}.items():
            there.put(text, f"{folder}/{file}")
        there.script("add_to_host", [name, folder], SECONDS)


def remove(settings: Settings, project: Project, host: Host, uninstall: bool = False) -> None:
    """Let *host* run *project* no more; what it has installed of it stays, unless it is to *uninstall*."""
    own = package_name(project.name)
    packages = [own, *project.packages] if uninstall else []
    arguments = [project.name, settings.service_name(project), own, *packages]
    with shell(settings, host) as there:
        there.script("remove_from_host", arguments, REMOVAL_SECONDS)


def shell(settings: Settings, host: Host) -> Shell:
    """Return a connection to *host* as its administrator."""
    own = settings.administration
    login = replace(settings.ssh, user=own.ssh_user, private_key_file=own.ssh_key_file)
    return Shell(replace(settings, ssh=login), host)


def _in_folder(wanted: Wanted, hosts: list[Host]) -> Iterator[Item]:
    if not wanted.settings.administration.changes_dir:
        why = (
            "neither `administration.ssh_key_file` nor `administration.changes_dir` is set; see docs/hosts.md"
        )
        yield Item(f"{wanted.project.name} on {', '.join(host.name for host in hosts)}", LEFT, why=why)
        return
    for host in hosts:
        for path, text in files(wanted, host).items():
            yield changes.item(wanted.settings, f"hosts/{host.name}{path}", text)


def _digests(output: str) -> Dict[str, str]:
    return dict(line.split(" ", 1) for line in output.splitlines() if " " in line)


def _digest(text: str) -> str:
    return hashlib.sha256(TOKEN_LINE.sub("", text).encode()).hexdigest()


def _health(wanted: Wanted, host: Host) -> str:
    return f"http://{host.address}:{wanted.request['port']}{wanted.request['health']}"
