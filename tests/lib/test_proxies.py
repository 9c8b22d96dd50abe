"""A proxy of the environment: never between this pack and Consul or its own machine."""

import os
from urllib.parse import urlsplit

import pytest
import requests

from cicd import proxies
from cicd.clients.consul import Connection
from tests.lib.consul_settings import settings

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")


def test_consul_is_asked_directly(consul):
    assert Connection(settings(consul)).item("cicd/nothing") is None


def test_whatever_is_on_this_machine_is_asked_directly(consul):
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get(f"{consul}/v1/status/leader", timeout=10)
    proxies.spare_loopback()

    assert requests.get(f"{consul}/v1/status/leader", timeout=10).status_code == 200


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_what_the_environment_spares_already_stays_spared(monkeypatch, name):
    monkeypatch.setenv(name, "intranet.example.com")
    proxies.spare_loopback()
    proxies.spare_loopback()

    assert os.environ["no_proxy"] == f"intranet.example.com,{proxies.LOOPBACK}"


def test_the_sites_own_servers_are_asked_directly_and_github_is_not(consul):
    made = settings(consul)
    proxies.spare_site(made)
    proxies.spare_site(made)

    spared = os.environ["no_proxy"].split(",")
    assert len(spared) == len(set(spared))
    assert {urlsplit(url).hostname for url in (consul, made.jenkins.url, made.repository.url)} == set(spared)
    assert requests.utils.should_bypass_proxies(made.jenkins.url, None)
    assert not requests.utils.should_bypass_proxies("https://api.github.com", None)
