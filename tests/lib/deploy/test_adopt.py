"""A cluster of the 2015 pack is taken over as its hosts run it, or not at all."""

import pytest
import requests

from cicd.config import Settings
from cicd.deploy import adopt
from cicd.deploy.adopt import Found
from cicd.errors import Refused
from cicd.release import transitions
from cicd.release.transitions import Build, Release
from cicd.store.store import Store
from tests.lib.consul_settings import settings
from tests.lib.store.test_store import CAUSE, key

OLD, NEW = "1.0-20150301-ab12cd3", "1.0-20150302-ab12cd4"


def build(version: str) -> Build:
    return Build(version, "greeter", "", "0" * 64, "")


def test_rings_that_run_one_version_each_are_agreed():
    found = [Found("web1", "production", OLD), Found("web2", "production", OLD), Found("web3", "canary", NEW)]

    assert adopt.agreed("greeter", found) == {"production": OLD, "canary": NEW}


@pytest.mark.parametrize("other", [NEW, ""])
def test_hosts_that_disagree_are_refused_by_name(other):
    found = [Found("web1", "production", OLD), Found("web2", "production", other)]

    with pytest.raises(Refused, match="do not run one version") as refused:
        adopt.agreed("greeter", found)
    assert f"web1: {OLD}, web2: {other or 'none'}" in refused.value.message


def test_without_a_production_host_there_is_nothing_to_adopt():
    with pytest.raises(Refused, match="no production host"):
        adopt.agreed("greeter", [Found("web3", "canary", NEW)])


def test_the_first_record_is_what_runs_and_production_still_gets_nothing_but_a_baked_canary(consul):
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    store = Store(settings(consul))
    builds = {"production": build(OLD), "canary": build(NEW)}
    store.change("greeter", "adopt", "production", CAUSE, lambda r: adopt.adopted(r, builds, 100.0))
    known = store.release("greeter")

    assert key(consul, "greeter::version") == OLD
    assert key(consul, "greeter::canary_version") == NEW
    assert f"version={OLD}\n" in str(key(consul, "cicd/greeter/wanted/production"))
    with pytest.raises(Refused, match="must bake"):
        transitions.promotable(known, 110.0, 60)
    assert transitions.promotable(known, 170.0, 60) == build(NEW)


def test_an_adopted_project_can_be_deployed_and_is_not_adopted_again():
    known = adopt.adopted(Release("greeter"), {"production": build(OLD)}, 100.0)
    fresh = Build("1.1-57.ab12cd5", "greeter", "", "0" * 64, "")

    assert transitions.advertise_canary(known, fresh, 200.0).ring("canary").wanted == fresh
    with pytest.raises(Refused, match="has a release record already"):
        adopt.adopted(known, {}, 300.0)


def tagged(consul: str) -> Settings:
    """The configuration of a cluster that keeps the 2015 pack's tags."""
    return settings(consul, discovery={"tag": "fe", "canary_tag": "canary_fe"})


def test_a_canary_host_without_the_plain_tag_is_named_with_the_way_out(consul):
    service = {"ID": "greeter", "Name": "greeter", "Tags": ["canary_fe"], "Port": 80}
    requests.put(f"{consul}/v1/agent/service/register", json=service, timeout=10).raise_for_status()
    config = tagged(consul)
    try:
        with pytest.raises(Refused, match="carries the tag canary_fe of greeter but not fe"):
            adopt.look(config, config.project("greeter"))
    finally:
        requests.put(f"{consul}/v1/agent/service/deregister/greeter", timeout=10)


def test_an_unhealthy_host_is_refused_before_anything_is_asked(consul):
    check = {"CheckID": "greeter:health", "TTL": "1h", "Status": "critical"}
    service = {"ID": "greeter", "Name": "greeter", "Tags": ["fe"], "Port": 80, "Check": check}
    requests.put(f"{consul}/v1/agent/service/register", json=service, timeout=10).raise_for_status()
    config = tagged(consul)
    try:
        with pytest.raises(Refused, match="not healthy everywhere"):
            adopt.look(config, config.project("greeter"))
    finally:
        requests.put(f"{consul}/v1/agent/service/deregister/greeter", timeout=10)
