"""A target is told of an event from when it asked for it, however its list of events changes."""

import pytest

from cicd.reports.told import Told

OLD, EDITED = 1_000_000.0, 2_000_000.0
ASKED_FOR_ALL = Told(1, OLD).asks((), OLD)
ASKED_FOR_TWO = Told(1, OLD).asks(("alarm", "held"), OLD)


@pytest.mark.parametrize(
    ("before", "events"),
    [(ASKED_FOR_ALL, ("alarm",)), (ASKED_FOR_TWO, ()), (ASKED_FOR_TWO, ("alarm", "drift"))],
    ids=["all to one", "two to all", "another"],
)
def test_what_waits_for_a_target_is_not_lost_when_its_events_are_edited(before, events):
    edited = before.asks(events, EDITED)

    assert edited.asked_for("alarm", EDITED - 1)
    assert edited.asks(events, EDITED + 9) == edited


def test_what_was_not_asked_for_before_is_told_from_the_edit_on():
    for events in ((), ("alarm", "drift")):
        edited = ASKED_FOR_TWO.asks(events, EDITED)
        assert [edited.asked_for("drift", at) for at in (EDITED - 1, EDITED)] == [False, True]


def test_an_event_that_was_given_up_is_asked_for_anew():
    given_up = ASKED_FOR_TWO.asks(("held",), EDITED)

    assert not given_up.asks(("alarm", "held"), EDITED + 9).asked_for("alarm", EDITED)


@pytest.mark.parametrize("before", [Told(1, OLD), ASKED_FOR_ALL], ids=["an older pack's memory", "all"])
def test_builds_of_before_are_not_told_to_who_asks_for_starts_now(before):
    edited = before.asks(("ci_started", "alarm"), EDITED)

    assert [edited.asked_for("ci_started", at) for at in (EDITED - 1, EDITED)] == [False, True]
    assert edited.asked_for("alarm", EDITED - 1)
