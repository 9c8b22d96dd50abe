"""Rings in the configuration: which a project has, what each says, and what contradicts itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd import config
from cicd.errors import ConfigError
from cicd.release.approvals import NO_POLICY, Policy
from tests.lib.consul_settings import settings

WEB = [
    {"name": "staging", "tag": "{project}::{role}_staging", "min_bake_seconds": 60},
    {"name": "canary", "promote": "auto", "version_key": "{project}::canary_version"},
    {"name": "production-eu", "tag": "eu", "approval": {"count": 1}, "version_key": "{project}::version"},
    {"name": "production-us", "tag": "us", "batches": ["2"], "min_bake_seconds": 3600},
]


def known(**changed: Any) -> config.Settings:
    project = {"repository": "acme/shop", "lifecycle": "web", **changed.pop("project", {})}
    return settings(
        "http://127.0.0.1:8500", **{"lifecycles": {"web": WEB}, "projects": {"shop": project}, **changed}
    )


def test_without_rings_there_are_canary_and_production():
    found = settings("http://127.0.0.1:8500", projects={"shop": {"repository": "acme/shop"}})
    shop = found.project("shop")

    assert shop.lifecycle.names == ("canary", "production")
    assert found.tags(shop) == {"canary": "shop::app_canary", "production": ""}
    assert found.version_keys(shop) == {"canary": "shop::canary_version", "production": "shop::version"}


def test_a_project_picks_one_of_the_named_lists():
    found = known()
    shop = found.project("shop")

    assert shop.lifecycle.names == ("staging", "canary", "production-eu", "production-us")
    assert [stage.after for stage in shop.lifecycle.stages] == [
        (),
        ("staging",),
        ("canary",),
        ("production-eu",),
    ]
    assert found.tags(shop) == {
        "staging": "shop::app_staging",
        "canary": "shop::app_canary",
        "production-eu": "eu",
        "production-us": "us",
    }
    assert found.version_keys(shop) == {"canary": "shop::canary_version", "production-eu": "shop::version"}


def test_a_project_may_have_a_list_of_its_own_and_everybody_another():
    mine = known(project={"lifecycle": None, "rings": WEB[:2]}, rings=WEB[:1])
    everybodys = known(project={"lifecycle": None}, rings=WEB[:1])

    assert mine.project("shop").lifecycle.names == ("staging", "canary")
    assert everybodys.project("shop").lifecycle.names == ("staging",)


ANALYSIS = {"sources": ["consul"]}


def stepped(steps: list[float], ring: str = "canary", **changed: Any) -> config.Settings:
    rings = [{**one, **({"traffic": steps, **changed} if one["name"] == ring else {})} for one in WEB]
    return known(lifecycles={"web": rings}, project={"analysis": ANALYSIS})


def test_the_canarys_share_of_the_requests_grows_by_steps():
    shop = stepped([1, 2.5, 25]).project("shop")

    assert shop.lifecycle.canary == "canary"
    assert [stage.traffic for stage in shop.lifecycle.stages] == [(), (1.0, 2.5, 25.0), (), ()]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (lambda: stepped([5, 1]), "does not grow from step to step"),
        (lambda: stepped([5, 5]), "does not grow from step to step"),
        (lambda: stepped([0.25]), "has 0.25, which is not a multiple of 0.1"),
        (lambda: stepped([5], "staging"), "only canary can get a share of the requests"),
        (lambda: stepped([5], datacenter="eu"), "is of a ring in another datacentre"),
        (lambda: stepped([0, 5]), "traffic"),
        (lambda: stepped([101]), "traffic"),
        (
            lambda: known(lifecycles={"web": [WEB[0], {**WEB[1], "traffic": [5]}, *WEB[2:]]}),
            "need an `analysis`",
        ),
    ],
)
def test_steps_that_cannot_be_taken_are_refused(settings, why):
    with pytest.raises(ConfigError, match=why):
        settings()


def test_rings_of_two_datacentres_may_have_one_tag_and_one_version_key():
    key = {"version_key": "{project}::version"}
    rings = [*WEB[:2], *({"name": f"production-{dc}", "datacenter": dc, **key} for dc in ("eu", "us"))]
    found = known(lifecycles={"web": rings})
    shop = found.project("shop")

    assert shop.lifecycle.datacenters == ("eu", "us")
    assert list(found.tags(shop)) == ["staging", "canary"]
    assert found.tags(shop, "eu") == {"production-eu": "shop::app"}
    assert found.tags(shop, "us") == {"production-us": "shop::app"}
    assert found.version_keys(shop) == {"canary": "shop::canary_version"}
    assert found.version_keys(shop, "us") == {"production-us": "shop::version"}


def test_a_ring_says_how_it_is_updated_then_its_project_then_everybody():
    found = known(project={"deploy": {"batches": ["3"], "failure_budget": "1"}, "min_bake_seconds": 7})
    shop = found.project("shop")
    staging, last = (found.deploy_of(shop, ring) for ring in ("staging", "production-us"))

    assert (staging.batches, staging.failure_budget, staging.min_bake_seconds) == (("3",), "1", 60)
    assert (last.batches, last.failure_budget, last.min_bake_seconds) == (("2",), "1", 3600)
    assert found.deploy_of(shop, "canary").min_bake_seconds == 7
    assert last.time_limit == found.deploy.time_limit


def test_a_policy_of_the_project_is_for_production_and_a_rings_own_for_that_ring():
    shop = known(project={"approval": {"count": 2}}).project("shop")

    assert [shop.approval_of(ring) for ring in shop.lifecycle.names] == [
        NO_POLICY, NO_POLICY, Policy(1), Policy(2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rings", "why"),
    [
        (
            [{"name": "a"}, {"name": "b", "tag": "b", "after": ["c"]}],
            "[1]` contradicts itself: `after` names c",
        ),
        (
            [{"name": "a", "after": ["b"]}, {"name": "b", "tag": "b", "after": ["a"]}],
            "[0]` contradicts itself: `after` names b, which is not a ring before it",
        ),
        ([{"name": "a", "after": ["a"]}], "[0]` contradicts itself: `after` names a"),
        ([{"name": "a"}, {"name": "a", "tag": "b"}], "[1]` contradicts itself: `name` is a"),
        (
            [{"name": "a", "tag": "x"}, {"name": "b", "tag": "x"}],
            "[1]` contradicts itself: `tag` is that of a, so a host would be in both",
        ),
        ([{"name": "a"}, {"name": "b"}], "[1]` contradicts itself: `tag` is that of a"),
        ([{"name": "a", "promote": "auto", "promoters": ["ann"]}], "[0].promoters` is set in a ring"),
        ([{"name": "A"}], "[0].name` is 'A', which does not match"),
        ([{"tag": "a"}], "[0].name` is missing"),
        ([{"name": "a", "promote": "always"}], "[0].promote` must be one of manual, auto"),
        ([{"name": "a", "region": "eu"}], "[0].region` is not a key"),
        ([{"name": "a", "datacenter": "e u"}], "[0].datacenter` is 'e u', which does not match"),
        (
            [{"name": n, "datacenter": "eu"} for n in "ab"],
            "[1]` contradicts itself: `tag` is that of a",
        ),
        ([], "[0]` contradicts itself: there is no ring"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused_by_ring_and_key(rings, why):
    for project in ({}, {"lifecycle": None}):  # also a list that no project has
        with pytest.raises(ConfigError) as refused:
            known(lifecycles={"web": rings}, project=project)
        assert f"lifecycles.web{why}" in refused.value.message
    with pytest.raises(ConfigError) as refused:
        known(rings=rings or [{}])
    assert "`rings[" in refused.value.message


@pytest.mark.parametrize(
    ("rings", "why"),
    [
        (
            [{"name": "staging", "tag": "{project}::app"}, {"name": "production"}],
            "has the tag shop::app for production and for staging",
        ),
        (
            [{"name": "early", "tag": "shop::{role}_canary"}, {"name": "canary"}],
            "has the tag shop::app_canary for canary and for early",
        ),
        (
            [
                {"name": "a", "tag": "a", "version_key": "{project}::version"},
                {"name": "b", "tag": "b", "version_key": "shop::version"},
            ],
            "has the version_key shop::version for b and for a",
        ),
    ],
)
def test_rings_that_would_share_hosts_or_a_key_are_refused_by_project(rings, why):
    with pytest.raises(ConfigError) as refused:
        known(lifecycles={"web": rings})

    assert f"`projects.shop` {why}" in refused.value.message


def test_two_projects_that_would_write_one_key_are_refused():
    rings = [{"name": "production", "version_key": "version"}]
    projects = {name: {"repository": f"acme/{name}", "rings": rings} for name in ("api", "web")}

    with pytest.raises(
        ConfigError, match=r"`projects\.web` has the version_key version for .* production of api"
    ):
        settings("http://127.0.0.1:8500", projects=projects)


def blocks(page: str) -> list[dict[str, Any]]:
    """Return the parts of the configuration that a *page* of the documentation prints."""
    text = (Path(__file__).parents[2] / "docs" / page).read_text()
    return [
        yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]


def test_a_second_project_with_rings_of_its_own_is_one_block_of_the_configuration():
    block = blocks("rings.md")[0]
    greeter = {"greeter": {"repository": "acme/greeter"}}
    found = settings("http://127.0.0.1:8500", **{**block, "projects": {**greeter, **block["projects"]}})
    shop, alone = found.project("shop"), settings("http://127.0.0.1:8500", projects=greeter)

    assert found.project("greeter") == alone.project("greeter")
    assert shop.lifecycle.names == ("staging", "canary", "production-eu", "production-us")
    assert found.deploy_of(shop, "production-us").batches == ("1", "25%")
    assert shop.lifecycle.stage("production-us").promoters == ("ann",)
    assert [window.reason for window in shop.lifecycle.stage("production-eu").freeze_windows] == [
        "no weekends"
    ]


def test_a_list_that_is_not_there_and_two_lists_at_once_are_refused():
    with pytest.raises(
        ConfigError, match=r"`projects.shop.lifecycle` is net, which is not in `lifecycles` \(web\)"
    ):
        known(project={"lifecycle": "net"})
    with pytest.raises(ConfigError, match=r"`projects.shop.rings` and `lifecycle` are both set"):
        known(project={"rings": WEB})


def test_what_stackstorm_gives_for_keys_that_are_not_there_says_nothing():
    empty = {"after": [], "promoters": [], "freeze_windows": [], "batches": [], "approval": {}}
    rings = [{**empty, "name": "staging", "tag": "s"}, {**empty, "name": "production"}]
    found = known(
        lifecycles={"web": rings}, rings=[], project={"rings": [], "deploy": {}, "approval": {"count": 2}}
    )
    shop = found.project("shop")

    assert [stage.after for stage in shop.lifecycle.stages] == [(), ("staging",)]
    assert shop.approval_of("production") == Policy(2)
    assert found.deploy_of(shop, "staging").batches == found.deploy.batches


def test_a_project_requires_others_and_never_itself():
    shop = {"repository": "acme/shop", "requires": {"api": "2.1.0"}}
    projects = {"shop": shop, "api": {"repository": "acme/api"}}

    assert settings("http://127.0.0.1:8500", projects=projects).project("shop").requires == {"api": "2.1.0"}
    for other in ("shop", "nowhere"):
        shop["requires"] = {other: "1.0"}
        with pytest.raises(ConfigError, match=f"names {other}, which is not another project"):
            settings("http://127.0.0.1:8500", projects=projects)


def test_a_ring_that_a_required_project_lacks_would_wait_for_ever_and_is_refused():
    shop = {"repository": "acme/shop", "lifecycle": "web", "requires": {"api": "2.1.0"}}
    api = {"repository": "acme/api"}
    with pytest.raises(
        ConfigError, match=r"`projects\.shop\.requires` names api, which has no ring production-eu"
    ):
        known(projects={"shop": shop, "api": api})

    both = known(projects={"shop": shop, "api": {**api, "lifecycle": "web"}})
    assert both.project("shop").requires == {"api": "2.1.0"}
