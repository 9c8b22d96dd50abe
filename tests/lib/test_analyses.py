"""The analysis of a ring in the configuration: read, and refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from cicd import config
from cicd.errors import ConfigError
from cicd.release.analysis_policy import NO_ANALYSIS, REFUSE, AnalysisPolicy
from tests.lib.consul_settings import settings

MONITORING = {"haproxy": ["http://lb1:8404/stats;csv"], "prometheus": "http://prometheus:9090"}
QUERIES = {"requests": 'sum(r{instance=~"{hosts}"})', "failures": 'sum(f{instance=~"{hosts}"})'}


def known(
    analysis: dict[str, Any] | None = None, monitoring: Any = MONITORING, **more: Any
) -> config.Settings:
    project = {"repository": "acme/shop", "analysis": analysis, **more}
    return settings("http://127.0.0.1:8500", projects={"shop": project}, monitoring=monitoring)


@pytest.mark.parametrize("nothing", [None, {}, {"sources": [], "queries": {}}])
def test_without_an_analysis_no_ring_is_judged(nothing):
    shop = known(nothing).project("shop")

    assert [shop.analysis_of(ring) for ring in ("canary", "production")] == [NO_ANALYSIS, NO_ANALYSIS]


def test_the_analysis_of_a_project_is_of_each_ring_that_another_follows():
    shop = known(
        {
            "sources": ["prometheus", "haproxy"],
            "margin": "0.5%",
            "slow_ms": 300,
            "looks": 5,
            "required": False,
            "inconclusive": "refuse",
            "limit": 900,
            "queries": {**QUERIES, "slow": "{hosts}"},
        }
    ).project("shop")
    found = shop.analysis_of("canary")

    assert shop.analysis_of("production") == NO_ANALYSIS
    assert found.sources == ("prometheus", "haproxy")
    assert (found.rule.margin, found.rule.looks, found.seconds(600)) == (0.005, 5, 900)
    assert (found.slow_ms, found.required, found.inconclusive) == (300, False, REFUSE)


def test_a_ring_has_its_own_analysis_before_that_of_the_project():
    rings = [{"name": "staging", "tag": "s", "analysis": {"sources": ["consul"], "looks": 3}}, {"name": "us"}]
    shop = known({"sources": ["systemd"]}, rings=rings).project("shop")

    assert shop.analysis_of("staging") == AnalysisPolicy(sources=("consul",), looks=3)


def test_looks_are_spread_over_the_bake_unless_a_limit_says_otherwise():
    assert AnalysisPolicy().seconds(600) == 600
    assert AnalysisPolicy().seconds(0) == 60
    assert AnalysisPolicy(limit=5).seconds(600) == 5


@pytest.mark.parametrize(
    ("analysis", "why"),
    [
        ({"looks": 5}, "sources` is missing"),
        ({"sources": ["graphite"]}, "sources[0]` must be one of haproxy, prometheus, consul"),
        ({"sources": ["haproxy"], "margin": "0%"}, "margin` must be more than 0 %"),
        ({"sources": ["haproxy"], "margin": "2"}, "margin` is '2', which does not match"),
        ({"sources": ["haproxy"], "margin": "100%"}, "margin` is '100%', which does not match"),
        ({"sources": ["haproxy"], "looks": 0}, "looks` must be at least 1"),
        ({"sources": ["haproxy"], "inconclusive": "maybe"}, "inconclusive` must be one of wait, ask, refuse"),
        ({"sources": ["haproxy"], "required": "yes"}, "required` must be true or false"),
        ({"sources": ["haproxy"], "slow_ms": 300}, "slow_ms` is set without the query `slow`"),
        ({"sources": ["http"]}, "path` is missing"),
        ({"sources": ["http"], "path": "health"}, "path` is 'health', which does not match"),
        ({"sources": ["prometheus"]}, "queries` needs `requests` and `failures`"),
        (
            {"sources": ["prometheus"], "queries": {**QUERIES, "slow": "{hosts}"}},
            "slow_ms` is missing",
        ),
        (
            {"sources": ["prometheus"], "queries": {**QUERIES, "failures": "sum(f)"}},
            "queries` has failures without {hosts}",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_by_key(analysis, why):
    with pytest.raises(ConfigError) as refused:
        known(analysis)

    assert f"projects.shop.analysis.{why}" in refused.value.message


@pytest.mark.parametrize("source", ["haproxy", "prometheus"])
def test_a_source_whose_address_is_not_configured_is_refused(source):
    with pytest.raises(ConfigError, match=rf"`monitoring.{source}` is missing, and shop is judged by it"):
        known({"sources": [source], "queries": QUERIES}, monitoring={})


def test_an_analysis_of_the_last_ring_is_refused_since_nothing_follows_from_it():
    rings = [{"name": "a", "tag": "a"}, {"name": "b", "analysis": {"sources": ["consul"]}}]

    with pytest.raises(ConfigError, match=r"`projects.shop` has an analysis of b, after which no ring comes"):
        known(rings=rings)


@pytest.mark.parametrize("url", ["lb1:8404", "http://user:secret@lb1/stats;csv", "http://lb1"])
def test_statistics_are_asked_for_at_a_whole_address_without_a_secret(url):
    with pytest.raises(ConfigError, match=r"`monitoring.haproxy\[0\]` is"):
        known(monitoring={"haproxy": [url]})
