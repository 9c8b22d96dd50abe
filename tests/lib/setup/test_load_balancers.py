"""A checkup says which load balancers follow, and what a share that grows by itself lacks."""

from __future__ import annotations

import json

import pytest

from cicd.finding import GOOD, WARNING, WRONG
from cicd.release.host import ConsulHost, from_consul
from cicd.release.traffic import Reports
from cicd.setup import load_balancers, render_reports
from tests.lib.consul_settings import settings

RINGS = [
    {"name": "canary", "traffic": [5], "tag": "canary", "analysis": {"sources": ["consul"]}},
    {"name": "production", "tag": "app"},
]
KNOWN = settings("http://127.0.0.1:9", projects={"web": {"repository": "acme/web", "rings": RINGS}})
FOLLOWS: Reports = {"lb1": {"applied": {}, "error": ""}}


def host(name: str, *tags: str) -> ConsulHost:
    service = {"ID": "web", "Address": "", "Port": 80, "Tags": list(tags)}
    return from_consul({"Node": {"Node": name, "Address": "127.0.0.1"}, "Service": service, "Checks": []})


def test_one_that_follows_is_good_and_one_with_an_error_says_it_with_a_way_out():
    lb1, lb2 = load_balancers.reported({**FOLLOWS, "lb2": {"error": "HAProxy does not answer"}})

    assert (lb1.what, lb1.state) == ("load balancer lb1", GOOD)
    assert (lb2.what, lb2.state, lb2.said) == ("load balancer lb2", WRONG, "HAProxy does not answer")
    assert "consul kv delete cicd/.traffic/applied/lb2" in lb2.fix


@pytest.mark.parametrize(
    ("reports", "tags", "states"),
    [
        ({}, ("app", "web_stable"), [WRONG]),
        (FOLLOWS, ("app",), [WARNING]),
        ({}, ("app",), [WRONG, WARNING]),
        (FOLLOWS, ("app", "web_stable"), []),
    ],
)
def test_what_a_share_that_grows_lacks_is_named(reports, tags, states):
    hosts = [host("web1", "canary", "app"), host("web2", *tags)]
    found = list(load_balancers.of_project(KNOWN, KNOWN.project("web"), reports, hosts))

    assert [one.state for one in found] == states
    assert all(one.fix for one in found)


def test_a_host_with_cicd_render_says_which_projects_it_serves_or_what_is_wrong():
    file = {"destination": "/etc/haproxy/haproxy.cfg", "projects": ["shop", "greeter"]}
    values = {
        "lb1": {"applied": {"haproxy": file}, "error": ""},
        "lb2": {"applied": {}, "error": "haproxy: Consul is away."},
        "web1": {"applied": {"motd": {"projects": []}}, "error": ""},
    }
    reports = render_reports.parse(
        (f"cicd/.render/{node}", json.dumps(one).encode()) for node, one in values.items()
    )
    lb1, lb2, web1 = load_balancers.rendered(reports)

    assert (lb1.what, lb1.said) == (
        "cicd-render on lb1",
        "has all its files, with the backends of greeter, shop",
    )
    assert (lb2.state, lb2.said) == (WRONG, "haproxy: Consul is away.")
    assert "consul kv delete cicd/.render/lb2" in lb2.fix
    assert (web1.state, web1.said, reports["web1"].balances) == (GOOD, "has all its files", False)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{}", b'{"applied": {"a": 1}, "error": ""}', b"[" * 9999]
)
def test_a_report_that_is_unreadable_is_wrong_and_no_more(text):
    (report,) = render_reports.parse([("cicd/.render/lb1", text)]).values()

    assert "unreadable" in report.error
