"""What a plan shows, and that it identifies everything it saw."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd import identifiers
from cicd.deploy import plan, planned
from cicd.deploy.plan import Plan
from cicd.errors import Refused
from cicd.release import transitions
from cicd.release.transitions import Build, Release

BUILD = Build("1.0-2.0000002", "greeter", "2" * 40, "a" * 64, "acme/greeter@x")
HOST = {"host": "web1", "address": "10.0.0.1", "installed": "1.0-1.0000001", "apt": ["Inst greeter (1.0-2)"]}


def a_plan(**changes: object) -> Plan:
    values = {
        "project": "greeter",
        "ring": "production",
        "build": BUILD,
        "generation": 7,
        "hosts": (HOST,),
        "batches": (("web1",),),
        "refusals": (),
    }
    return Plan(**{**values, **changes})


def test_an_id_is_what_deploy_production_takes_and_the_same_for_the_same_world():
    assert identifiers.check("plan", a_plan().id) == a_plan().id


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (0, {"generation": 8}),
        (1, {"build": replace(BUILD, version="1.0-3.0000003")}),
        (1, {"build": replace(BUILD, sha256="b" * 64)}),
        (1, {"ring": "canary"}),
        (1, {"hosts": ({**HOST, "installed": "1.0-0.0000000"},)}),
        (1, {"hosts": ({**HOST, "address": "10.0.0.2"},)}),
        (2, {"hosts": ({**HOST, "apt": ["Remv libc6"]},)}),
        (
            2,
            {
                "hosts": (
                    {"host": "web1", "address": "10.0.0.1", "installed": "1.0-1.0000001", "error": "no"},
                )
            },
        ),
    ],
)
def test_whatever_moves_changes_its_part_of_the_id(part, change):
    before, after = a_plan().id.split("-"), a_plan(**change).id.split("-")

    assert before[part] != after[part]


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3), st.lists(st.text(max_size=20), max_size=3))
def test_no_two_answers_of_apt_share_an_id(one, other):
    plans = [a_plan(hosts=({**HOST, "apt": lines},)).id for lines in (one, other)]

    assert (plans[0] == plans[1]) == (one == other)


def test_a_release_that_moved_is_refused_with_what_to_do():
    planned.refuse_generation(a_plan(generation=0).id, Release("greeter"))
    planned.refuse_generation("", Release("greeter", 12))

    with pytest.raises(Refused, match="the release moved; nothing was changed") as refused:
        planned.refuse_generation(a_plan().id, Release("greeter", 8))
    assert "cicd.plan_deploy project=greeter" in refused.value.hint


def test_the_message_names_hosts_versions_packages_refusals_and_the_next_step():
    said = plan.message(a_plan(), {})

    assert said.splitlines()[0] == "greeter 1.0-2.0000002 to production, 1 host in batches of 1"
    assert "web1: 1.0-1.0000001 -> 1.0-2.0000002: Inst greeter (1.0-2)" in said
    assert f"cicd.deploy_production project=greeter plan={a_plan().id}" in said
    refused = plan.message(a_plan(refusals=(Refused("It is frozen.", "Thaw it."),)), {})
    assert "refused: It is frozen. Thaw it." in refused
    assert "not possible now: refused by 1 guards" in refused
    assert "plan=" not in refused


def test_two_hundred_hosts_stay_within_a_result():
    hosts = tuple({**HOST, "host": f"web{n}", "apt": ["Inst x" * 30] * 50} for n in range(200))
    said = plan.message(a_plan(hosts=hosts), {})

    assert re.search(r"and 180 more hosts", said)
    assert len(plan._bounded(a_plan(hosts=hosts))) == 20


def test_a_version_that_is_not_the_canary_is_refused_for_production():
    known = transitions.advertise_canary(Release("greeter"), BUILD, 0.0)

    plan._refuse_other(known, "production", BUILD.version)
    with pytest.raises(Refused, match="production only gets the canary"):
        plan._refuse_other(known, "production", "1.0-1.0000001")
