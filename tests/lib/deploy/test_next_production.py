"""Which production ring `deploy_production` goes on with."""

from __future__ import annotations

from cicd.deploy.commands import next_production
from cicd.release.lifecycle import Lifecycle, Stage
from cicd.release.record import DEPLOYING, HEALTHY, Build, Release, Ring

NAMES = ("canary", "production-eu", "production-us")
LIFECYCLE = Lifecycle(
    (Stage("canary", "c"), Stage(NAMES[1], "e", NAMES[:1]), Stage(NAMES[2], "u", NAMES[1:2]))
)


def known(*numbers: int, state: str = HEALTHY) -> Release:
    """Return a release whose rings run the versions *numbers*; production is in *state*."""
    builds = [Build(f"1.0-{number}.{number:07x}", "web", "1" * 40, "a" * 64, "") for number in numbers]
    rings = {
        name: Ring(state if name != "canary" else HEALTHY, build)
        for name, build in zip(NAMES, builds, strict=False)
    }
    return Release("web", rings=rings, lifecycle=LIFECYCLE)


def test_it_begins_with_the_first_one_and_names_the_last_one():
    assert next_production(known(2, 1, 1), []) == ("production-eu", False)
    assert next_production(known(2, 2, 1), ["production-eu"]) == ("production-us", True)


def test_it_goes_on_where_it_stopped_to_let_a_version_bake():
    assert next_production(known(2, 2, 1), []) == ("production-us", True)
    assert next_production(known(2), []) == ("production-eu", False)


def test_a_ring_that_did_not_end_well_is_not_passed_over():
    assert next_production(known(2, 2, 1, state=DEPLOYING), []) == ("production-eu", False)


def test_where_all_have_it_the_first_one_gets_it_again_as_the_pair_does():
    assert next_production(known(2, 2, 2), []) == ("production-eu", False)
    assert next_production(Release("web"), []) == ("production", True)
