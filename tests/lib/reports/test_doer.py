"""Whose a change is: people are named, and behind StackStorm itself who pushed."""

from typing import Any

import pytest

from cicd.ci.run import PASSED, Run
from cicd.reports import doer

COMMIT = "a" * 40
RUNS = {COMMIT: Run(PASSED, 1.0, user="ann")}


def who(**entry: Any) -> str:
    given = {"who": "stanley", "what": "advertise_canary", "trace": f"acme/greeter@{COMMIT}", **entry}
    (named,) = doer.named([given], RUNS, "stanley")
    return named["who"]


@pytest.mark.parametrize("what", ["advertise_canary", "promote", "confirm", "degrade"])
def test_what_a_push_set_off_is_its_authors(what):
    assert who(what=what) == "ann"


def test_a_person_is_named_whoever_wrote_the_commit():
    assert who(who="bob") == "bob"


@pytest.mark.parametrize("entry", [{"what": "restore"}, {"trace": "acme/greeter@" + "b" * 40}, {"trace": ""}])
def test_what_nobody_asked_for_is_the_packs(entry):
    assert who(**entry) == "cicd"


def test_a_change_of_nobody_says_so():
    assert who(who="") == "unknown"
