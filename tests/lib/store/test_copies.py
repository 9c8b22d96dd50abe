"""What is written to another datacentre: never an older copy over a newer one, whoever is late."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.clients.consul import Item
from cicd.errors import Refused
from cicd.store.copies import Copy
from cicd.store.datacenter import stamp_key

STAMP = stamp_key("web")
WANTED, VERSION = "cicd/web/wanted/production-eu", "web::version"
TEXTS = st.fixed_dictionaries(
    {WANTED: st.text("ab\n=1", max_size=6), VERSION: st.none() | st.text("12.", min_size=1, max_size=4)}
)
COPIES = st.builds(Copy, st.just("web"), st.just("eu"), st.integers(0, 30), TEXTS)


class Eu:
    """The keys of a datacentre, each with its text and index, changed by transactions."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, int]] = {}
        self._index = 0

    def items(self) -> dict[str, Item]:
        return {
            key: {"Key": key, "Value": text.encode(), "ModifyIndex": index}
            for key, (text, index) in self.keys.items()
        }

    def commit(self, operations) -> bool:
        self._index += 1
        for one in operations:
            index = self.keys.get(one["Key"], ("", 0))[1]
            if one["Verb"].startswith("check-") and index != one.get("Index", 0):
                return False
        for one in operations:
            if one["Verb"] == "set":
                self.keys[one["Key"]] = (base64.b64decode(one["Value"]).decode(), self._index)
            elif one["Verb"] == "delete":
                self.keys.pop(one["Key"], None)
        return True

    def texts(self) -> dict[str, str | None]:
        return {key: self.keys[key][0] if key in self.keys else None for key in (WANTED, VERSION)}


@given(st.lists(COPIES, min_size=1))
def test_whatever_order_copies_come_in_the_latest_generation_stays(copies):
    there = Eu()
    for copy in copies:
        there.commit(copy.operations(there.items()))

    latest = max(copy.generation for copy in copies)
    last = [copy for copy in copies if copy.generation == latest][-1]
    assert (there.texts(), there.keys.get(STAMP, ("0",))[0]) == (dict(last.texts), str(latest))


@given(COPIES, COPIES)
def test_who_read_before_another_one_wrote_writes_nothing(first, late):
    there = Eu()
    before = there.items()
    there.commit(first.operations(before))
    after = dict(there.keys)

    assert not there.commit(late.operations(before))
    assert there.keys == after


@given(COPIES, COPIES)
def test_a_copy_that_is_there_is_not_written_again_and_no_host_is_woken(copy, other):
    there = Eu()
    there.commit(copy.operations(there.items()))

    assert copy.operations(there.items()) == []
    same = Copy(other.project, other.datacenter, copy.generation + 1, copy.texts)
    assert {one["Key"] for one in same.operations(there.items())} == {STAMP}


def test_a_record_that_was_set_back_is_named_and_changes_nothing():
    there = Eu()
    there.commit(Copy("web", "eu", 7, {WANTED: "version=2"}).operations({}))
    older = Copy("web", "eu", 5, {WANTED: "version=1"})

    with pytest.raises(Refused, match="wanted of web at generation 7, but the record is at 5"):
        older.refuse_older(there.items())
    assert older.operations(there.items()) == []
    assert "consul kv delete -datacenter=eu cicd/web/copied" in older.trouble(there.items())


@pytest.mark.parametrize("stamp", ["", "many", "-3", "²"])
def test_a_stamp_that_is_no_number_counts_as_none(stamp):
    there = Eu()
    there.keys[STAMP] = (stamp, 4)

    assert there.commit(Copy("web", "eu", 2, {WANTED: "x"}).operations(there.items()))
    assert there.keys[STAMP][0] == "2"


def test_what_is_missing_is_said_with_both_generations():
    there = Eu()
    there.commit(Copy("web", "eu", 3, {WANTED: "a"}).operations({}))
    copy = Copy("web", "eu", 5, {WANTED: "b"})

    assert "datacentre eu has what was wanted at generation 3 of 5" in copy.trouble(there.items())
    there.commit(copy.operations(there.items()))
    assert copy.trouble(there.items()) == ""
