"""Debian's Icinga 2 with its API over HTTPS, which sends as the shipped file says to a gateway."""

from __future__ import annotations

import datetime
import grp
import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.conformance.local import free_ports
from tests.gateway.wire import TOKEN, eventually

SHIPPED = Path(__file__).parents[3] / "infra/icinga2/cicd.conf"
PASSWORD = "the-password-of-icinga"
HOSTS = {"web1": "10.0.0.1", "web2.example.com": "10.0.0.2", "web12": "10.0.0.12"}
SERVICE = "Disk / > 90 % (free)"
CONFIGURATION = """
const NodeName = "localhost"
const ZoneName = NodeName
include <itl>
object Endpoint NodeName {{ }}
object Zone ZoneName {{ endpoints = [ NodeName ] }}
object NotificationComponent "notification" {{ }}
object ApiListener "api" {{ bind_host = "127.0.0.1", bind_port = "{port}" }}
object ApiUser "checks" {{ password = "{password}", permissions = [ "*" ] }}
object ApiUser "idle" {{ password = "{password}", permissions = [ "status/query" ] }}
object ApiUser "cicd" {{
  password = "{password}"
  permissions = [ "actions/schedule-downtime", "actions/remove-downtime" ]
}}
template Host "told" {{
  check_command = "dummy"
  enable_active_checks = false
  max_check_attempts = 1
  vars.project = "greeter"
}}
object Service "{service}" {{
  host_name = "web1"
  check_command = "dummy"
  enable_active_checks = false
  max_check_attempts = 1
  vars.project = "greeter"
}}
"""


@dataclass(frozen=True)
class Icinga:
    """An Icinga that runs: the URL of its API, and the file that says whom to trust."""

    url: str
    authority: Path

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the results of its API."""
        answer = requests.request(
            method,
            f"{self.url}/v1/{path}",
            json=body,
            auth=("checks", PASSWORD),
            headers={"Accept": "application/json"},
            verify=str(self.authority),
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()["results"]

    def check(self, host: str, status: int, service: str = "") -> None:
        """Report the result of a check of *host*, or of its *service*: 0 is good."""
        of_service = {"type": "Service", "service": f"{host}!{service}"}
        about = of_service if service else {"type": "Host", "host": host}
        result = {"exit_status": status, "plugin_output": "{{ 7 * 7 }} $(id)"}
        assert self.ask("POST", "actions/process-check-result", about | result)

    @property
    def resting(self) -> set[str]:
        """The hosts that are in a downtime."""
        found = self.ask("GET", "objects/hosts")
        return {one["name"] for one in found if one["attrs"]["downtime_depth"]}

    def answers(self) -> bool:
        try:
            return bool(self.ask("GET", "status"))
        except requests.ConnectionError:
            return False


@contextmanager
def icinga(folder: Path, gateway: str) -> Iterator[Icinga]:
    """Run an Icinga in *folder* that sends to the *gateway*, until the block ends."""
    (port,) = free_ports(1)
    for name in ("DataDir/certs", "InitRunDir", "SpoolDir", "CacheDir", "LogDir"):
        (folder / name).mkdir(parents=True)
    certify(folder / "DataDir/certs")
    (folder / "icinga.conf").write_text(configured(folder, gateway, port))
    places = [f"-D{one.name}={one}" for one in folder.iterdir() if one.is_dir()]
    user = [f"-DRunAsUser={pwd.getpwuid(os.getuid())[0]}", f"-DRunAsGroup={grp.getgrgid(os.getgid())[0]}"]
    with (folder / "log").open("w") as log:
        command = ["icinga2", "daemon", "-c", folder / "icinga.conf", "-x", "warning", *places, *user]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = Icinga(f"https://localhost:{port}", folder / "DataDir/certs/ca.crt")
    try:
        eventually(running.answers, 60)
        yield running
    finally:
        process.terminate()
        process.wait(30)


def configured(folder: Path, gateway: str, port: int) -> str:
    """Return the configuration with the shipped file in it, for the *gateway*."""
    (folder / "header").write_text(f"X-Cicd-Token: {TOKEN}\n")
    shipped = SHIPPED.read_text().replace("https://gateway.example.com", gateway)
    shipped = shipped.replace("/etc/icinga2/cicd.header", str(folder / "header"))
    hosts = [f'object Host "{name}" {{ import "told", address = "{at}" }}\n' for name, at in HOSTS.items()]
    return CONFIGURATION.format(port=port, password=PASSWORD, service=SERVICE) + "".join(hosts) + shipped


def certify(folder: Path) -> None:
    """Write a key and a certificate for localhost, which is its own authority, into *folder*."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    day = datetime.timedelta(days=1)
    begin = datetime.datetime.now(datetime.UTC) - day / 2
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + day)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "localhost.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, plain))
    for file in ("localhost.crt", "ca.crt"):
        (folder / file).write_bytes(made)
