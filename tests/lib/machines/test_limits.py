"""How many machines there may be."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from cicd import config
from cicd.errors import Refused
from cicd.machines import limits
from cicd.machines.naming import machine_name
from cicd.release.lifecycle import CANARY

EXAMPLE = Path(__file__).parents[3] / "cicd.yaml.example"
GIVEN = {**yaml.safe_load(EXAMPLE.read_text()), "machines": {"max_machines": 3, "max_canaries": 1}}
LIMITS = config.parse(GIVEN).machines
RINGS = some.sampled_from([CANARY, "production", "staging"])
ORDERS = some.lists(some.tuples(some.integers(0, 8).map(str), RINGS, some.booleans()))


@given(ORDERS, some.integers(0, 4), some.integers(0, 4))
def test_whatever_is_asked_and_destroyed_there_are_never_more_than_may_be(orders, machines, canaries):
    known = replace(LIMITS, max_machines=machines, max_canaries=canaries)
    present: dict[str, str] = {}
    for name, ring, goes in orders:
        before = dict(present)
        try:
            limits.refuse_too_many(known, present, name, ring)
            present.setdefault(name, ring)
        except Refused:
            assert name not in present
            assert len(present) == machines or (
                ring == CANARY and list(before.values()).count(CANARY) == canaries
            )
        if goes:
            present.pop(name, None)
        assert len(present) <= machines
        assert list(present.values()).count(CANARY) <= canaries


def test_a_refusal_says_the_limit_and_where_it_stands():
    with pytest.raises(Refused, match="there are 1 canaries, and at most 1 may be") as error:
        limits.refuse_too_many(LIMITS, {"a": CANARY}, "b", CANARY)
    assert "`machines.max_canaries`" in error.value.hint
    with pytest.raises(Refused, match="there are 3 machines, and at most 3 may be") as error:
        limits.refuse_too_many(LIMITS, dict.fromkeys("abc", "production"), "d", "production")
    assert "`machines.max_machines`" in error.value.hint


@given(some.text(max_size=80), some.sampled_from(["canary", "production", "r" * 32]), some.text(max_size=40))
def test_every_machine_has_a_host_name_of_its_own(project, ring, seed):
    name = machine_name(project, ring, seed)

    assert name == machine_name(project, ring, seed)
    assert name != machine_name(project, ring, f"{seed}x")
    assert len(name) <= 63
    assert all(part.isascii() and (part.isalnum() or part == "-") for part in name)
    assert name[0].isalpha()
    assert name == name.lower()


def test_a_machine_is_called_by_project_and_ring():
    assert machine_name("greeter", "canary", "4711").startswith("greeter-canary-")
