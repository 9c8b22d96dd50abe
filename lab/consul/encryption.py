"""Consul's encryption, made anew for every lab: an authority, a certificate for each host, the gossip key."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from lab.consul.agent import DATACENTER
from lab.errors import LabError
from lab.hosts.container import Container
from lab.hosts.keys import write_secret
from lab.places import Places
from lab.progress import together
from lab.world import CONSUL_PORT, Host, World

FOLDER = "/etc/consul.d/tls"
AUTHORITY = f"{FOLDER}/ca.pem"
CERTIFICATE, SECRET = "consul-agent-ca.pem", "consul-agent-ca-key.pem"


def make(places: Places, world: World, consul: Path) -> None:
    """Make everything under secrets/consul with the program *consul*; the authority's key stays there."""
    folder = places.secrets / "consul"
    folder.mkdir(parents=True, mode=0o700)
    _run(folder, [consul, "tls", "ca", "create"])
    write_secret(folder / "gossip_key", _run(folder, [consul, "keygen"]))
    together({host.name: partial(certify, folder, host, DATACENTER, consul) for host in world.hosts})


def configure(container: Container, places: Places) -> None:
    """Give the host its certificate and the gossip key; Consul alone reads what is secret of them."""
    folder, disk = places.secrets / "consul", container.disk
    disk.write(AUTHORITY, authority(places).read_bytes())
    for path, text in certificate(folder / container.host.name).items():
        disk.write(path, text, 0o600, "consul")
    key = (folder / "gossip_key").read_text().strip()
    disk.write("etc/consul.d/encryption.json", json.dumps(settings(key), indent=2), 0o600, "consul")


def authority(places: Places) -> Path:
    """Return the file with which the machine itself trusts the lab's agents."""
    return places.secrets / "consul" / CERTIFICATE


def settings(gossip_key: str) -> dict[str, Any]:
    """Return an agent's settings, as docs/consul.md has them."""
    return {
        "encrypt": gossip_key,
        "verify_incoming_rpc": True,
        "verify_outgoing": True,
        "verify_server_hostname": True,
        "ca_file": AUTHORITY,
        "cert_file": f"{FOLDER}/agent.pem",
        "key_file": f"{FOLDER}/agent-key.pem",
        "ports": {"https": CONSUL_PORT},
    }


def certificate(folder: Path) -> dict[str, str]:
    """Return what *folder* has for one host, by where the host keeps it: its certificate, and the key."""
    (known,), (secret,) = folder.glob("*-consul-0.pem"), folder.glob("*-consul-0-key.pem")
    return {f"{FOLDER}/agent.pem": known.read_text(), f"{FOLDER}/agent-key.pem": secret.read_text()}


def certify(folder: Path, host: Host, datacenter: str, consul: Path) -> None:
    """Make the certificate of *host*, in *folder*, as a server's where it may be one of *datacenter*."""
    kind = "-server" if host.role == "infra" or datacenter != DATACENTER else "-client"
    own, signer = folder / host.name, [f"-ca={folder / CERTIFICATE}", f"-key={folder / SECRET}"]
    own.mkdir()
    where = [f"-dc={datacenter}", f"-additional-ipaddress={host.address}"]
    _run(own, [consul, "tls", "cert", "create", kind, *where, *signer])


def _run(folder: Path, argv: list[str | Path]) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(
            f"Consul could not make keys: {(done.stderr or done.stdout).strip()[-300:]}",
            "Run `make lab-down`, then try again.",
        )
    return done.stdout
