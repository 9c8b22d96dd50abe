"""The ways in which monitoring systems spell one host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.alarms.host_name import named

HOSTS = {"web1": "192.0.2.1", "web2.example.com": "192.0.2.2", "web3": "2001:db8::3", "web11": "192.0.2.11"}


@pytest.mark.parametrize(
    ("spelled", "host"),
    [
        ("web1", "web1"),
        ("WEB1", "web1"),
        ("web1.example.com", "web1"),
        ("Web1.Example.com.", "web1"),
        ("192.0.2.1", "web1"),
        ("web2", "web2.example.com"),
        ("WEB2.example.com", "web2.example.com"),
        ("2001:DB8:0:0::3", "web3"),
        ("web11", "web11"),
    ],
)
def test_a_host_is_known_in_whatever_way_it_is_spelled(spelled, host):
    assert named(spelled, HOSTS) == host


@pytest.mark.parametrize("spelled", ["web", "web12", "web2.example.org", "192.0.2.9", "example.com", "2.1"])
def test_what_fits_no_host_stays_as_it_is(spelled):
    assert named(spelled, HOSTS) == spelled


def test_a_name_that_several_hosts_might_have_is_none_of_them():
    assert named("web1", {"web1.eu": "192.0.2.1", "web1.us": "192.0.2.2"}) == "web1"
    assert named("192.0.2.1", {"a": "192.0.2.1", "b": "192.0.2.1"}) == "192.0.2.1"


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_it_is_one_of_the_hosts_or_what_was_spelled(spelled, hosts):
    assert named(spelled, hosts) in {spelled, *hosts}
    assert all(named(name, hosts) == name for name in hosts)
