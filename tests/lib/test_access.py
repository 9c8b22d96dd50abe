"""The allow-list for clusters without RBAC."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cicd import access
from cicd.errors import ConfigError, Refused

ACTIONS = Path(__file__).parents[2] / "actions"
GO_ON = {
    "confirm_ring",
    "advertise_last_good",
    "look_at_canary",
    "step_traffic",
}  # the later steps of what was allowed to begin


def test_who_is_listed_may_and_who_is_not_is_told_whom_to_ask():
    allowed = access.parse({"deploy_production": ["Ann", "bob"]})

    access.refuse(allowed, "promote_canary", "ann")
    with pytest.raises(Refused, match=r"eve may not call cicd\.deploy_production; Ann, bob may"):
        access.refuse(allowed, "promote_canary", "eve")


@pytest.mark.parametrize("who", ["", "nobody", "a", "ann "])
def test_a_step_called_by_itself_is_checked_like_the_command_it_belongs_to(who):
    with pytest.raises(Refused):
        access.refuse({"rollback": ("ann",)}, "advertise_previous_good", who)


def test_an_empty_list_is_nobody_and_an_action_not_named_is_everybodys():
    with pytest.raises(Refused, match="nobody may"):
        access.refuse({"freeze": ()}, "freeze", "ann")
    access.refuse({"freeze": ()}, "thaw", "anybody")
    access.refuse({}, "promote_canary", "")


@pytest.mark.parametrize(
    "values",
    [
        {"deploy_productoin": ["ann"]},
        {"promote_canary": ["ann"]},
        {"deploy": "ann"},
        {"deploy": [1]},
        ["deploy"],
        "x",
    ],
)
def test_a_list_that_would_leave_a_door_open_is_no_configuration(values):
    with pytest.raises(ConfigError, match="`access`"):
        access.parse(values)


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=4))
def test_nobody_gets_in_who_is_not_on_the_list(who, names):
    listed = who.casefold() in {name.casefold() for name in names}
    try:
        access.refuse({"deploy_production": tuple(names)}, "promote_canary", who)
        passed = True
    except Refused:
        passed = False

    assert passed == listed


def test_a_ring_says_who_may_promote_to_it():
    access.refuse_promoter((), "web", "canary", "anybody")
    access.refuse_promoter(("Ann", "bob"), "web", "us", "ann")
    for who, called in (("eve", "eve"), ("", "someone without a name")):
        with pytest.raises(Refused, match=f"{called} may not promote web to us; Ann, bob may"):
            access.refuse_promoter(("Ann", "bob"), "web", "us", who)


def test_every_action_that_knows_who_asks_is_one_that_the_list_can_be_about():
    knowing = set()
    for path in ACTIONS.glob("*.yaml"):
        user = yaml.safe_load(path.read_text())["parameters"].get("user", {})
        if user.get("immutable"):
            knowing.add(path.stem)

    assert knowing - GO_ON <= set(access.ENTRIES)


def test_the_name_of_a_class_is_the_name_of_its_action():
    for path in ACTIONS.glob("*.py"):
        assert f"class {''.join(word.capitalize() for word in path.stem.split('_'))}(" in path.read_text()
        assert access.step_of("".join(word.capitalize() for word in path.stem.split("_"))) == path.stem
