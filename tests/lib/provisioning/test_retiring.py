"""A host is retired only while its ring can do without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from cicd.errors import HostError, InputError, Refused
from cicd.provisioning import lost_machines
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


@pytest.mark.parametrize(("ring", "tags"), [("production", ()), ("canary", ("greeter::app_canary",))])
def test_the_last_host_of_a_ring_stays(site, ring, tags):
    for name in ("web2", "web3"):
        site.serves(name, tags=("greeter::app_canary",) if ring == "production" else ())
    site.serves("web1", tags=tags)

    with pytest.raises(Refused, match=f"web1 is needed: {ring} of greeter would have no host") as error:
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


def recorded(site: Site) -> str:
    """Return the name of a machine that is a host beside web1."""
    name = site.made()
    site.joins(name)
    site.registry.ready(name)
    for host in ("web1", name):
        site.serves(host)
    return name


def test_a_machine_that_does_not_get_out_of_traffic_stays_a_host(site):
    """Nobody answers at its address, and Consul reaches it."""
    name = recorded(site)
    site.settings = changed(site.settings, "ssh", connect_timeout=1)

    with pytest.raises(HostError):
        drain(site, name)
    assert site.registry.find(name)["state"] == "ready"
    assert lost_machines.Sweeps().due(site.settings, 1e9) == []
    Retirement(site.settings, name, ME, force=True).drain()
    Retirement(site.settings, name, ME, force=True).remove()


def test_while_a_host_waits_for_its_clients_nobody_sweeps_it_nor_retires_the_other(site, monkeypatch):
    name, seen = recorded(site), []
    site.settings = changed(site.settings, "deploy", lost_after=1)

    def leave(*_: object) -> None:
        with pytest.raises(Refused, match=f"being deployed to production by {ME} .retires {name}.") as error:
            drain(site, "web1")
        time.sleep(1.5)
        seen.extend([error.value.message, *lost_machines.names(site.settings)])

    monkeypatch.setattr(Retirement, "_leave", leave)
    drain(site, name)

    assert len(seen) == 1, "it was looked, and no machine was lost"
    assert site.registry.find(name)["state"] == "leaving"
    Retirement(site.settings, name, ME).remove()
    assert site.left() == ["cicd/greeter/hosts/web1"]


def test_nothing_is_left_of_other_projects_that_a_machine_served(site):
    name = recorded(site)
    site.settings = replace(
        site.settings,
        projects={
            **site.settings.projects,
            "other": replace(site.settings.projects["greeter"], name="other"),
        },
    )
    site.put(f"cicd/other/hosts/{name}", "{}")
    Retirement(site.settings, name, ME, force=True).drain()
    Retirement(site.settings, name, ME).remove()

    assert site.left() == ["cicd/greeter/hosts/web1"]


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
