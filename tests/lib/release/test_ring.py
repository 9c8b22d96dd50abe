"""Hosts of a ring, and their batches."""

from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.errors import ConfigError, Refused
from cicd.release.host import ConsulHost, Host, from_consul
from cicd.release.ring import (
    Capacity,
    amount,
    backends,
    batch_sizes,
    batches,
    capacity,
    members,
    refuse_crowd,
    refuse_sick,
    unhealthy,
)

CANARY = "greeter::app_canary"
TAGS = {"canary": CANARY, "production": ""}


def entry(name: str, *tags: str, serf: str = "passing", check: str = "passing") -> ConsulHost:
    checks = [{"CheckID": "serfHealth", "Name": "Serf", "Status": serf}]
    checks += [{"CheckID": "service:greeter", "Name": "HTTP", "Status": check}]
    node = {"Node": name, "Address": "127.0.0.1"}
    service = {"ID": "greeter", "Address": "", "Port": 80, "Tags": ["greeter::app", *tags]}
    return from_consul({"Node": node, "Service": service, "Checks": checks})


FLEET = [entry("web1", CANARY), entry("web3"), entry("web2", CANARY)]


def test_canary_hosts_are_not_production_hosts_although_they_carry_both_tags():
    assert [h.name for h in members(FLEET, "greeter", "canary", TAGS)] == ["web1", "web2"]
    assert [h.name for h in members(FLEET, "greeter", "production", TAGS)] == ["web3"]


def test_defect_11_an_empty_canary_ring_is_refused():
    with pytest.raises(Refused, match="no canary host"):
        members([entry("web3")], "greeter", "canary", TAGS)


def test_a_ring_with_an_unreachable_node_is_refused_by_name():
    with pytest.raises(Refused, match="web9"):
        members([*FLEET, entry("web9", CANARY, serf="critical")], "greeter", "canary", TAGS)


def test_a_rollback_leaves_an_unreachable_node_out_instead():
    fleet = [*FLEET, entry("web9", CANARY, serf="critical")]

    assert [h.name for h in members(fleet, "greeter", "canary", TAGS, reachable_only=True)] == [
        "web1",
        "web2",
    ]


def test_a_host_whose_application_is_not_installed_yet_belongs_to_its_ring():
    hosts = members([entry("web1", CANARY, check="critical")], "greeter", "canary", TAGS)

    assert [host.name for host in hosts] == ["web1"]


def test_unhealthy_names_the_failing_check_and_the_host_that_is_gone():
    reasons = unhealthy([entry("web1", check="critical"), entry("web2")], ["web1", "web2", "web3"])

    assert reasons == {"web1": "HTTP is critical", "web3": "its service is gone from Consul"}


def test_an_excluded_host_is_in_no_ring():
    assert [h.name for h in members(FLEET, "greeter", "canary", TAGS, excluded={"web1"})] == ["web2"]


def test_more_canaries_than_the_share_allows_are_refused_but_one_always_may_be():
    with pytest.raises(Refused, match="2 of greeter's 3 hosts are canaries; 1 may be"):
        refuse_crowd(FLEET, "greeter", ["production"], TAGS, "1")
    refuse_crowd(FLEET, "greeter", ["production"], TAGS, "50%")
    refuse_crowd([entry("web1", CANARY)], "greeter", ["production"], TAGS, "10%")


RINGS = {"staging": "staging", "canary": "canary", "eu": "eu", "us": "us"}


def host(name: str, *tags: str, check: str = "passing") -> ConsulHost:
    return replace(entry(name, check=check), tags=tags)


WIDE = [
    *(host(f"s{number}", "staging") for number in range(4)),
    host("c1", "canary", "eu"),
    *(host(f"e{number}", "eu") for number in range(3)),
    host("u1", "us"),
]


def names(groups: list[list[ConsulHost]]) -> list[str]:
    return [" ".join(one.name for one in group) for group in groups]


def test_capacity_is_that_of_the_hosts_to_which_the_same_users_are_sent():
    assert names(backends(WIDE, "staging", RINGS)) == ["s0 s1 s2 s3"]
    assert names(backends(WIDE, "canary", RINGS)) == names(backends(WIDE, "eu", RINGS)) == ["c1 e0 e1 e2"]
    assert names(backends(WIDE, "us", RINGS)) == ["u1"]


def test_a_canary_of_two_regions_counts_in_each():
    both = [host("c1", "canary", "eu", "us"), host("e1", "eu"), host("u1", "us")]

    assert names(backends(both, "canary", RINGS)) == ["c1 e1", "c1 u1"]
    assert names(backends(both, "us", RINGS)) == ["c1 u1"]


def test_without_a_list_of_rings_canary_and_production_count_together():
    assert names(backends(FLEET, "canary", TAGS)) == names(backends(FLEET, "production", TAGS))
    assert names(backends(FLEET, "canary", TAGS)) == ["web1 web3 web2"]


def test_hosts_before_production_are_a_crowd_only_where_they_serve_its_users():
    refuse_crowd(WIDE, "greeter", ["eu", "us"], RINGS, "25%")
    crowd = [*WIDE, host("c2", "canary", "eu"), host("c3", "staging", "eu")]

    with pytest.raises(Refused, match="3 of greeter's 6 hosts are canaries; 25% may be") as refused:
        refuse_crowd(crowd, "greeter", ["eu", "us"], RINGS, "25%")
    assert refused.value.hint.startswith("Take the tag canary off some hosts")


SOME_TAGS = st.lists(st.sampled_from([*RINGS.values(), "other"]), max_size=3, unique=True)


@given(st.lists(st.tuples(SOME_TAGS, st.booleans()), min_size=1, max_size=12), st.sampled_from([*RINGS]))
def test_no_tag_that_a_ring_serves_loses_more_than_may_go(states, ring):
    """Whatever tags hosts carry: half of those with one tag serve still, or as many as did before."""
    found = [
        host(f"h{number}", *tags, check="passing" if serves else "critical")
        for number, (tags, serves) in enumerate(states)
    ]
    own = [one.host() for one in found if one.ring(RINGS) == ring]
    room = own
    for group in backends(found, ring, RINGS):
        room = capacity(group, "50%", "zone").room(room)
    gone = {one.name for one in room}

    carried = [{one.name for one in found if tag in one.tags} for tag in RINGS.values()]
    for group in (there for there in carried if there & {one.name for one in own}):
        if any(group < other for other in carried if other & {one.name for one in own}):
            continue
        serving = [one.name for one in found if one.name in group and not one.trouble]
        least = min(amount("50%", len(group), ""), len(group) - 1)
        assert len([name for name in serving if name not in gone]) >= min(least, len(serving))
    assert {one.name for one in found if one.trouble and one.ring(RINGS) == ring} <= gone


def test_a_sick_host_is_refused_by_name_with_its_check():
    with pytest.raises(Refused, match="web1: HTTP is critical"):
        refuse_sick([entry("web1", CANARY, check="critical")], "greeter", [Host("web1", "")])


def test_the_last_batch_size_repeats():
    assert list(islice(batch_sizes(["1", "25%"], 10), 4)) == [1, 3, 3, 3]


@given(st.integers(0, 40), st.lists(st.sampled_from(["1", "3", "10%", "50%", "100%"]), min_size=1))
def test_every_host_is_in_exactly_one_batch_in_order(count, sizes):
    hosts = [Host(str(number), "") for number in range(count)]

    assert [host for batch in batches(hosts, sizes) for host in batch] == hosts


@pytest.mark.parametrize("size", ["0", "-1", "x", "", "0%", "1.5"])
def test_a_size_that_is_none_is_a_configuration_error(size):
    with pytest.raises(ConfigError):
        next(batch_sizes([size], 1))


ZONES = ["", "a", "b"]
STATES = st.lists(st.tuples(st.booleans(), st.sampled_from(ZONES)), min_size=1, max_size=12)


@given(STATES, st.sampled_from(["0", "1", "3", "25%", "50%", "100%"]))
def test_capacity_is_kept_in_all_and_in_each_zone(states, minimum):
    hosts = [Host(str(number), "", zone) for number, (_, zone) in enumerate(states)]
    serving = {str(number): healthy for number, (healthy, _) in enumerate(states)}
    zones = {host.name: host.zone for host in hosts}

    taken = {host.name for host in Capacity(serving, zones, minimum).room(hosts)}

    for zone in {"", *zones.values()}:
        there = [name for name in serving if zone in ("", zones[name])]
        left = sum(serving[name] and name not in taken for name in there)
        needed = amount(minimum, len(there), "deploy.min_healthy")
        least = min(needed, len(there) - 1) if minimum.endswith("%") else needed
        assert left >= min(least, sum(serving[name] for name in there))
    assert all(name in taken for name, healthy in serving.items() if not healthy)


def test_a_lone_host_may_be_updated_under_a_percentage_but_not_under_a_number():
    lone = [Host("web1", "")]

    assert Capacity({"web1": True}, {}, "50%").room(lone) == lone
    assert Capacity({"web1": True}, {}, "1").room(lone) == []


def test_of_a_zone_of_two_only_one_leaves_at_a_time():
    hosts = [Host(name, "", name[0]) for name in ("a1", "a2", "b1", "b2")]
    zones = {host.name: host.zone for host in hosts}

    room = Capacity(dict.fromkeys(zones, True), zones, "50%").room(hosts)

    assert [host.name for host in room] == ["a1", "b1"]
