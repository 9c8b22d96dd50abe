"""An authority of a site, and a reverse proxy with HTTPS in front of its gateway."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.conftest import free_port

ADDRESS, OTHER_NAME = "127.0.0.1", "localhost"
START_SECONDS = 60
CONFIG = """defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend https
  bind {address}:{port} ssl crt {folder}/proxy.pem
  default_backend gateway
backend gateway
  server one {gateway}
"""


class Authority:
    """Signs certificates; its own is `pem`."""

    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = x509.BasicConstraints(ca=True, path_length=0)
        self.pem = self._signed(self._name, self._key, own).public_bytes(Encoding.PEM)

    def server(self) -> bytes:
        """Return a certificate for ADDRESS and its key, as HAProxy reads them."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))])
        certificate = self._signed(x509.Name([]), key, names)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return certificate.public_bytes(Encoding.PEM) + secret

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now, number = datetime.now(UTC), x509.random_serial_number()
        until = now + timedelta(days=1)
        builder = x509.CertificateBuilder(self._name, name, key.public_key(), number, now, until)
        return builder.add_extension(extension, critical=True).sign(self._key, SHA256())


@contextmanager
def proxy(folder: Path, authority: Authority, gateway: str) -> Iterator[int]:
    """Run HAProxy in front of the *gateway* with a certificate of *authority*, and give its port."""
    port = free_port()
    (folder / "proxy.pem").write_bytes(authority.server())
    text = CONFIG.format(address=ADDRESS, port=port, folder=folder, gateway=urlsplit(gateway).netloc)
    (folder / "proxy.cfg").write_text(text)
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(folder / "proxy.cfg")], stdout=log, stderr=log
        )
    try:
        _wait(port, process, folder / "proxy.log")
        yield port
    finally:
        process.kill()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
