"""The lab's account with the cloud: started, and known to the pack, its gateway and new machines."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

import yaml

from lab import ports, processes
from lab.consul import agent, binary, encryption
from lab.consul.agent import DATACENTER
from lab.hosts import app
from lab.hosts.container import Container
from lab.hosts.fleet import base_of
from lab.hosts.keys import write_secret
from lab.kernel_limits import KernelLimits
from lab.places import REPOSITORY, Places
from lab.project import FIRST
from lab.repository import server as repository
from lab.stackstorm import engine
from lab.world import Host, World

PORT = 9140
MOST = 4
NAME = "cloud"


def start(places: Places, world: World) -> None:
    """Start the cloud, and let the pack and its gateway know it; what was there already stays."""
    if ports.answers(world.control, PORT):
        return
    KernelLimits().take(places, len(world.hosts) + MOST)
    write_secret(token_file(places), secrets.token_hex(20) + "\n")
    _write_files(places, world)
    processes.spawn(places, NAME, [sys.executable, "-m", "lab.digitalocean"], cwd=REPOSITORY)
    ports.wait(world.control, PORT, "the cloud", 600)  # its image may have to be made
    _configure_pack(places, world)
    engine.reload(places)


def token_file(places: Places) -> Path:
    """Return the file with the account's token."""
    return places.secrets / "digitalocean_token"


def settings(places: Places, world: World) -> dict[str, Any]:
    """Return the pack's section `machines`."""
    provider = {
        "driver": "digitalocean",
        "url": f"http://{world.control}:{PORT}",
        "token_file": str(token_file(places)),
        "region": "fra1",
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
    }
    return {
        "site": "lab",
        "max_machines": MOST,
        "gateway_url": world.gateway_url,
        "files_dir": str(files(places)),
        "packages": ["cicd-converge"],  # the image has Consul
        "applications": {FIRST.name: {"port": FIRST.port, "unit": FIRST.unit}},
        "providers": {NAME: provider},
    }


def files(places: Places) -> Path:
    """Return the folder with what every new machine gets."""
    return places.root / "machine-files"


def _configure_pack(places: Places, world: World) -> None:
    path = places.configs / "cicd.yaml"
    values = {**yaml.safe_load(path.read_text()), "machines": settings(places, world)}
    path.write_text(f"---\n{yaml.safe_dump(values, sort_keys=False)}")


def _write_files(places: Places, world: World) -> None:
    """Write what a host of the lab has, with a place for the address that only the machine knows."""
    newcomer = Host("@NAME@", "droplet", None, "@ADDRESS@")
    path, listening = app.listening_file(newcomer, FIRST)
    key = Container(places, world.apps[0], base_of(places)).run("cat", repository.KEYRING)
    converge = app.converge_settings(newcomer).replace("https://", "http://").replace(":8501", ":8500")
    texts = {
        "/etc/consul.d/agent.json": json.dumps(agent.agent(newcomer, world), indent=2),
        "/etc/consul.d/encryption.json": json.dumps(_encryption(places), indent=2),
        encryption.AUTHORITY: encryption.authority(places).read_text(),
        **_certificate(places, world),
        "/etc/cicd/converge.conf": converge,
        repository.KEYRING: key,
        "/etc/apt/sources.list.d/cicd.list": repository.source(world),
        path: listening,
    }
    for name, text in texts.items():
        target = files(places) / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o640 if name.startswith("/etc/consul.d/") else 0o644)


def _encryption(places: Places) -> dict[str, Any]:
    return encryption.settings((places.secrets / "consul" / "gossip_key").read_text().strip())


def _certificate(places: Places, world: World) -> dict[str, str]:
    """Return the certificate that all new machines share, and its key."""
    folder = places.secrets / "consul"
    shared = Host("machines", "droplet", None, "127.0.0.1")
    if not (folder / shared.name).exists():
        encryption.certify(folder, shared, DATACENTER, binary.find(places))
    return encryption.certificate(folder / shared.name)
