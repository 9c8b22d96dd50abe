"""What is done with the items of a project follows from their states alone."""

import pytest

from cicd.errors import Refused
from cicd.onboarding import plan
from cicd.onboarding.item import GONE, LEFT, MISSING, OTHER, THERE, Item


def items(*states: str, **others: str) -> list[Item]:
    return [Item(f"{state} {number}", state, **others) for number, state in enumerate(states)]


def names(found) -> list[str]:
    return [item.what for item in found]


def test_adding_makes_what_is_missing_and_leaves_the_rest():
    found = plan.to_add("shop", items(MISSING, THERE, LEFT, MISSING))

    assert names(found.change) == ["missing 0", "missing 3"]
    assert (names(found.stay), names(found.left)) == (["there 1"], ["left 2"])


@pytest.mark.parametrize("state", [OTHER, GONE])
def test_adding_is_refused_where_something_of_the_name_differs_or_a_place_is_gone(state):
    with pytest.raises(Refused, match=r"shop cannot be added: \w+ 1 is odd\. Nothing was changed") as error:
        plan.to_add("shop", items(MISSING, state, why="is odd"))

    assert "cicd.remove_project project=shop" in error.value.hint


def test_removing_takes_what_is_there_whatever_it_says_and_leaves_what_others_need():
    shared = Item("the webhook", THERE, shared="blog")
    found = plan.to_remove([*items(MISSING, THERE, LEFT, OTHER, GONE), shared])

    assert names(found.change) == ["there 1", "other 3"]
    assert names(found.left) == ["left 2", "gone 4"]
    assert found.lines("removed")[2] == "stays: the webhook (blog needs it)"
