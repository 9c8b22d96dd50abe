"""A machine joins through a reverse proxy with HTTPS: it believes its site's authority, and says when not."""

from __future__ import annotations

import json
import ssl
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.config import Settings
from cicd.errors import ConfigError
from cicd.machines import gateway_door
from cicd.provisioning import join_token
from cicd.provisioning.on_machine import join as machine
from cicd.provisioning.registry import Registry
from gateway.config import Consul
from tests.gateway.gateways import Local
from tests.gateway.tls import ADDRESS, OTHER_NAME, Authority, proxy
from tests.lib.consul_settings import settings

NAME = "shop-canary-1a2b3c4d"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2HNUFjtGEzGp0m7kYpFl3YUNoNDSVsTVNxlIwVS5V4"


class Site:
    """A machine that is about to join through the proxy at *port*."""

    def __init__(self, folder: Path, consul: str, port: int, authority: Authority) -> None:
        self.folder, self.consul, self.port, self.authority = folder, consul, port, authority
        self.registry, self.token = Registry(settings(consul)), join_token.new()
        self.registry.begin(NAME, {"state": "ordered"})
        self.registry.open_join(NAME, self.token, '{"files": [], "packages": [], "units": []}', 60)
        (folder / "etc/ssh").mkdir(parents=True)
        (folder / "etc/ssh/ssh_host_ed25519_key.pub").write_text(f"{KEY} root@somewhere\n")

    def join(self, host: str = ADDRESS, ca: str = "") -> None:
        given = {"url": f"https://{host}:{self.port}", "token": self.token.secret, "name": NAME}
        trusted = ca or self.authority.pem.decode()
        (self.folder / "given.json").write_text(json.dumps({**given, "ca": trusted}))
        machine.main(str(self.folder / "given.json"))

    def configured(self, host: str = ADDRESS, ca: bytes = b"", path: str = "") -> Settings:
        (self.folder / "ca.pem").write_bytes(ca or self.authority.pem)
        machines = {
            "gateway_url": f"https://{host}:{self.port}{path}",
            "gateway_ca_file": str(self.folder / "ca.pem"),
            "site": "acme",
            "providers": {"rack": {"driver": "existing", "addresses": ["192.0.2.1"]}},
        }
        return settings(self.consul, machines=machines)

    @property
    def failure(self) -> str:
        return self.registry.failure(self.registry.find(NAME) or {})


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("the site")


@pytest.fixture
def site(local: Local, consul: str, tmp_path: Path, authority: Authority, monkeypatch) -> Iterator[Site]:
    requests.delete(f"{consul}/v1/kv/cicd/?recurse", timeout=10).raise_for_status()
    monkeypatch.setattr(machine, "ROOT", str(tmp_path))
    monkeypatch.setattr(machine, "DOUBT_SECONDS", 0)
    monkeypatch.setattr(machine, "run", lambda *_: None)
    with local.serving(consul=Consul(f"{consul}/")), proxy(tmp_path, authority, local.url) as port:
        yield Site(tmp_path, consul, port, authority)


def test_a_machine_joins_when_its_site_signed_the_proxys_certificate(site):
    site.join()

    assert site.registry.joined(site.registry.find(NAME))["host_keys"] == [KEY]
    assert next(gateway_door.findings(site.configured())).said == "answers, and lets machines join"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ca": Authority("someone else").pem.decode()}, "unable to get local issuer certificate"),
        ({"host": OTHER_NAME}, "Hostname mismatch, certificate is not valid for 'localhost'."),
        ({"ca": "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----"}, ""),
    ],
)
def test_a_machine_that_does_not_believe_the_gateway_gets_nothing_and_says_why(site, changes, why):
    with pytest.raises((ssl.SSLError, urllib.error.URLError)):
        site.join(**changes)

    assert site.failure.startswith(f"the gateway is not believed: {why}")
    assert site.registry.joined(site.registry.find(NAME)) is None


def test_a_token_that_was_used_is_reported_as_that(site):
    site.join()
    with pytest.raises(urllib.error.HTTPError):
        site.join()

    assert "the gateway answered 403" in site.failure
    assert "the token is not known, too old, or was used" in site.failure


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ca": Authority("someone else").pem}, "/join is not believed .unable to get local issuer"),
        ({"host": OTHER_NAME}, "/join is not believed .Hostname mismatch"),
        ({"ca": b"nothing"}, "/join is not believed"),
        ({"path": "/elsewhere"}, "/elsewhere/join answers 404"),
    ],
)
def test_what_lets_no_machine_join_is_known_before_one_is_made(site, changes, said):
    with pytest.raises(ConfigError, match=f"No machine could join: .*{said}"):
        gateway_door.refuse_closed(site.configured(**changes))


def test_a_gateway_that_is_out_of_sight_here_is_no_reason_to_refuse(site):
    site.port = 1

    (found,) = gateway_door.findings(site.configured())
    assert (found.state, "does not answer here" in found.said) == ("warning", True)
