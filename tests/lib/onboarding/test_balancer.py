"""A load balancer with cicd-render needs nothing for a new project; any other one gets a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.onboarding import balancer, records, wanted
from cicd.onboarding.item import LEFT, MISSING, OTHER, THERE, Item
from cicd.onboarding.wanted import Wanted
from tests.lib.onboarding.test_wanted import given, request


@pytest.fixture
def asked(consul: str, tmp_path: Path) -> Iterator[Wanted]:
    values = {**given(tmp_path), "consul": {"url": consul}}
    values["administration"] = {"changes_dir": str(tmp_path / "changes")}
    yield wanted.parse(values, "shop", request(health="/up"))
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10).raise_for_status()


def put(asked: Wanted, key: str, value: str) -> None:
    requests.put(f"{asked.settings.consul.url}/v1/kv/{key}", data=value, timeout=10).raise_for_status()


def report(asked: Wanted, node: str, *projects: str) -> None:
    file = {"destination": "/etc/haproxy/haproxy.cfg", "digest": "0", "projects": projects}
    put(asked, f"cicd/.render/{node}", json.dumps({"applied": {"haproxy": file}, "error": ""}))


def items(asked: Wanted) -> list[Item]:
    return list(balancer.items(asked))


def test_without_cicd_render_the_backends_are_a_file(asked):
    report(asked, "lb1")  # makes other files

    assert [(item.what.rpartition("/")[2], item.state) for item in items(asked)] == [("shop.cfg", MISSING)]


def test_with_cicd_render_they_come_by_themselves_and_the_path_is_said_in_consul(asked):
    report(asked, "lb1", "greeter")
    report(asked, "lb2", "greeter")
    path, backends = items(asked)
    path.make()
    backends.make()

    assert (path.what, path.state) == ("the key cicd/.balancer/health/shop in Consul", MISSING)
    assert backends.what == "the backends of shop, by cicd-render on lb1, lb2 when its hosts register"
    assert [item.state for item in items(asked)] == [THERE, MISSING]
    report(asked, "lb1", "greeter", "shop")
    assert [item.state for item in items(asked)] == [THERE, THERE]
    path.remove()
    assert items(asked)[0].state == MISSING


def test_another_path_in_consul_is_left_alone_and_named(asked):
    report(asked, "lb1", "greeter")
    put(asked, "cicd/.balancer/health/shop", "/other")

    assert (items(asked)[0].state, items(asked)[0].why) == (OTHER, "is there and says something else")


def test_host_names_go_with_the_project_and_those_of_others_stay(asked):
    put(asked, "cicd/.balancer/names/www.example.com", "shop")
    put(asked, "cicd/.balancer/names/example.com", "greeter")
    for item in records.items(asked, keep_history=False):
        item.remove()
    url = f"{asked.settings.consul.url}/v1/kv/cicd/.balancer/?keys"

    assert requests.get(url, timeout=10).json() == ["cicd/.balancer/names/example.com"]


def test_where_no_file_can_be_brought_either_it_is_left_to_people(asked, consul, tmp_path):
    left = wanted.parse({**given(tmp_path), "consul": {"url": consul}}, "shop", request())

    assert [item.state for item in items(left)] == [LEFT]
