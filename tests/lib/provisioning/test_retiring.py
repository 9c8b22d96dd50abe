"""A host is retired only while its ring can do without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.errors import InputError, Refused
from cicd.provisioning.retiring import Retirement
from cicd.release.transitions import DEPLOYING, Ring
from tests.lib.consul_settings import changed
from tests.lib.provisioning.site import BUILD, ME, Site, standing


@pytest.fixture
def site(consul: str, tmp_path: Path) -> Iterator[Site]:
    with standing(tmp_path, consul) as found:
        found.wants()
        found.settings = changed(found.settings, "administration", ssh_key_file=str(tmp_path / "id"))
        yield found
        for name in ("web1", "web2", "web3"):
            body = {"Node": name}
            requests.put(f"{consul}/v1/catalog/deregister", json=body, timeout=10).raise_for_status()


def drain(site: Site, name: str, force: bool = False) -> list[str]:
    return Retirement(site.settings, name, ME, force).drain()


def fails(site: Site, name: str) -> None:
    """Let a check of the host's service fail."""
    check = {"CheckID": "health", "Name": "greeter answers", "Status": "critical", "ServiceID": "greeter"}
    body = {"Node": name, "Address": "192.0.2.7", "Check": check}
    requests.put(f"{site.consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()


def test_the_last_host_of_a_ring_stays(site):
    site.serves("web1")

    with pytest.raises(Refused, match="web1 is needed: production of greeter would have no host") as error:
        drain(site, "web1")
    assert "st2 run cicd.retire_host host=web1 force=true" in error.value.hint


def test_a_host_stays_while_too_few_others_are_healthy(site):
    for name in ("web1", "web2", "web3"):
        site.serves(name)
    for name in ("web2", "web3"):
        fails(site, name)

    with pytest.raises(Refused, match="production of greeter would have too few healthy hosts"):
        drain(site, "web1")


def test_a_host_stays_while_its_ring_is_deployed_to(site):
    site.wants(Ring(DEPLOYING, BUILD, BUILD, None, 7, 1.0))
    for name in ("web1", "web2"):
        site.serves(name)

    with pytest.raises(Refused, match="production of greeter is being deployed to"):
        drain(site, "web1")


def test_a_host_that_nobody_knows_is_named(site):
    with pytest.raises(InputError, match="Consul has no host web9 of any project"):
        drain(site, "web9")


def test_a_host_whose_files_nobody_may_change_is_refused_before_it_leaves_traffic(site):
    for name in ("web1", "web2"):
        site.serves(name)
    site.settings = changed(site.settings, "administration", ssh_key_file="")

    with pytest.raises(Refused, match="web1 was not made by this pack, and nothing may change its files"):
        drain(site, "web1")


def test_a_machine_that_never_became_a_host_is_retired_without_a_trace(site):
    name = site.made()

    assert drain(site, name) == []
    said = Retirement(site.settings, name, ME).remove()
    assert said == f"{name} is destroyed, and nothing is left of it."
    assert site.left() == []


def test_a_host_is_not_removed_before_it_is_drained(site):
    name = site.made()

    with pytest.raises(Refused, match=f"{name} was not drained"):
        Retirement(site.settings, name, ME).remove()


def test_a_dead_machine_is_retired_by_force(site):
    """Its address answers nobody; Consul does not reach it either."""
    name = site.made()
    site.joins(name)
    site.serves("web1")
    site.serves(name)
    site.settings = changed(site.settings, "ssh", connect_timeout=1)

    assert drain(site, name, force=True) == ["greeter"]
    Retirement(site.settings, name, ME, force=True).remove()
    assert site.left() == ["cicd/greeter/hosts/web1"]
