"""A site with a real Consul, whose cloud answers as DigitalOcean does and runs nothing on its machines."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import requests

from cicd.config import Settings
from cicd.machines import drivers
from cicd.provisioning import creating
from cicd.provisioning.ordering import Ordering
from cicd.provisioning.registry import Registry
from cicd.release.record import to_json
from cicd.release.transitions import HEALTHY, Build, Release, Ring, wanted_document
from lab.digitalocean.droplets import Droplets
from lab.digitalocean.server import server
from tests.lib.consul_settings import settings

TOKEN = "t" * 40
BUILD = Build("2.0-2.abcdef0", "greeter", "a" * 40, "0" * 64, "")
ME = "ann"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2HNUFjtGEzGp0m7kYpFl3YUNoNDSVsTVNxlIwVS5V4"


class Rack:
    """Machines that take an order and do nothing."""

    def __init__(self) -> None:
        self.user_data: dict[str, str] = {}
        self.state = "active"

    def boot(self, number: int, name: str, user_data: str) -> None:
        self.user_data[name] = user_data

    def status(self, number: int) -> str:
        return self.state

    def address(self, number: int) -> str:
        return "192.0.2.7"

    def destroy(self, number: int) -> None:
        return


class Site:
    """The pack's configuration, the cloud and Consul."""

    def __init__(self, folder: Path, consul: str, url: str, droplets: Droplets, rack: Rack) -> None:
        self.folder, self.consul, self.url, self.droplets, self.rack = folder, consul, url, droplets, rack
        (folder / "files/etc/cicd").mkdir(parents=True)
        (folder / "files/etc/cicd/converge.conf").write_text("CONSUL_HTTP_ADDR=http://@ADDRESS@:8500\n")
        (folder / "token").write_text(TOKEN)
        (folder / "id").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        (folder / "known_hosts").write_text("")
        self.settings = self.configured()

    def configured(self, **changes: object) -> Settings:
        provider = {
            **{"driver": "digitalocean", "url": self.url, "token_file": str(self.folder / "token")},
            **{"region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-12-x64"},
        }
        machines = {
            "site": "test",
            "gateway_url": "http://127.0.0.1:9110",
            "files_dir": str(self.folder / "files"),
            "applications": {"greeter": {"port": 8080, "unit": "greeter.service"}},
            "providers": {"cloud": provider},
            "ready_seconds": 1,
            **changes,
        }
        names = {"private_key_file": "id", "known_hosts_file": "known_hosts"}
        ssh = {"user": "cicd", **{key: str(self.folder / name) for key, name in names.items()}}
        return settings(self.consul, machines=machines, ssh=ssh)

    @property
    def registry(self) -> Registry:
        return Registry(self.settings)

    def wants(self, ring: Ring | None = None) -> None:
        """Let production be wanted to run a version, as *ring* says."""
        known = Release("greeter", 7, {"production": ring or Ring(HEALTHY, BUILD, BUILD, None, 7, 1.0)})
        self.put("cicd/greeter/release", json.dumps(to_json(known)))
        self.put("cicd/greeter/wanted/production", wanted_document(known, "production"))

    def put(self, key: str, text: str) -> None:
        requests.put(f"{self.consul}/v1/kv/{key}", data=text, timeout=10).raise_for_status()

    def serves(
        self, node: str, version: str = BUILD.version, tags: tuple[str, ...] = ("greeter::app",)
    ) -> None:
        """Let Consul have the host *node*, healthy, that reports *version*."""
        service = {"Service": "greeter", "Tags": ["greeter::app", *tags], "Port": 8080}
        body = {"Node": node, "Address": "192.0.2.7", "Service": service}
        requests.put(f"{self.consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()
        report = {"host": node, "project": "greeter", "state": "unchanged", "installed": version}
        self.put(f"cicd/greeter/hosts/{node}", json.dumps(report))

    def ordered(self, execution: str = "e1", ring: str = "production") -> str:
        return Ordering(self.settings, "greeter", ring, "cloud", ME, execution).order()

    def made(self, execution: str = "e1") -> str:
        name = self.ordered(execution)
        creating.created(self.settings, name)
        return name

    def joins(self, name: str) -> None:
        """Let the machine have said its host keys, as the pack keeps them."""
        self.registry.write(name, lambda known: {**known, "host_keys": [KEY], "address": "192.0.2.7"})

    def left(self) -> list[str]:
        """Return what there is of machines: at the provider, as keys and nodes in Consul."""
        nodes = requests.get(f"{self.consul}/v1/catalog/nodes", timeout=10).json()
        keys = requests.get(f"{self.consul}/v1/kv/cicd/?keys", timeout=10)
        return [
            *(machine.name for machine in drivers.of(self.settings, "cloud").list()),
            *(key for key in (keys.json() if keys.ok else []) if "/hosts/" in key or "/." in key),
            *(node["Node"] for node in nodes if node["Node"].startswith("greeter")),
        ]


@contextmanager
def standing(folder: Path, consul: str) -> Iterator[Site]:
    """Run a cloud, and give a site that knows it."""
    rack = Rack()
    droplets = Droplets(rack)
    cloud = server("127.0.0.1", 0, TOKEN, droplets)
    thread = threading.Thread(target=cloud.serve_forever, daemon=True)
    thread.start()
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10).raise_for_status()
    try:
        yield Site(folder, consul, f"http://127.0.0.1:{cloud.server_address[1]}", droplets, rack)
    finally:
        cloud.shutdown()
        cloud.server_close()
