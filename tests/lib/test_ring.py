"""Hosts of a ring, and their batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.errors import ConfigError, Refused
from cicd.ring import Host, batches, members, unhealthy

CANARY = "greeter::app_canary"


def entry(name: str, *tags: str, serf: str = "passing", check: str = "passing") -> dict:
    checks = [{"CheckID": "serfHealth", "Name": "Serf", "Status": serf}]
    checks += [{"CheckID": "service:greeter", "Name": "HTTP", "Status": check}]
    return {
        "Node": {"Node": name, "Address": "127.0.0.1"},
        "Service": {"Address": "", "Tags": ["greeter::app", *tags]},
        "Checks": checks,
    }


FLEET = [entry("web1", CANARY), entry("web3"), entry("web2", CANARY)]


def test_canary_hosts_are_not_production_hosts_although_they_carry_both_tags():
    assert [h.name for h in members(FLEET, "greeter", "canary", CANARY)] == ["web1", "web2"]
    assert [h.name for h in members(FLEET, "greeter", "production", CANARY)] == ["web3"]


def test_defect_11_an_empty_canary_ring_is_refused():
    with pytest.raises(Refused, match="no canary host"):
        members([entry("web3")], "greeter", "canary", CANARY)


def test_a_ring_with_an_unreachable_node_is_refused_by_name():
    with pytest.raises(Refused, match="web9"):
        members([*FLEET, entry("web9", CANARY, serf="critical")], "greeter", "canary", CANARY)


def test_a_rollback_leaves_an_unreachable_node_out_instead():
    fleet = [*FLEET, entry("web9", CANARY, serf="critical")]

    assert [h.name for h in members(fleet, "greeter", "canary", CANARY, reachable_only=True)] == [
        "web1",
        "web2",
    ]


def test_a_host_whose_application_is_not_installed_yet_belongs_to_its_ring():
    hosts = members([entry("web1", CANARY, check="critical")], "greeter", "canary", CANARY)

    assert [host.name for host in hosts] == ["web1"]


def test_unhealthy_names_the_failing_check_and_the_host_that_is_gone():
    reasons = unhealthy([entry("web1", check="critical"), entry("web2")], ["web1", "web2", "web3"])

    assert reasons == {"web1": "HTTP is critical", "web3": "its service is gone from Consul"}


def test_the_last_batch_size_repeats():
    hosts = [Host(str(number), "") for number in range(10)]

    assert [len(batch) for batch in batches(hosts, ["1", "25%"])] == [1, 3, 3, 3]


@given(st.integers(0, 40), st.lists(st.sampled_from(["1", "3", "10%", "50%", "100%"]), min_size=1))
def test_every_host_is_in_exactly_one_batch_in_order(count, sizes):
    hosts = [Host(str(number), "") for number in range(count)]

    assert [host for batch in batches(hosts, sizes) for host in batch] == hosts


@pytest.mark.parametrize("size", ["0", "-1", "x", "", "0%", "1.5"])
def test_a_size_that_is_none_is_a_configuration_error(size):
    with pytest.raises(ConfigError):
        batches([Host("a", "")], [size])
