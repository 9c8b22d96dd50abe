"""What an action says comes first in its result, and is printed."""

from cicd import saying


def test_what_people_read_comes_before_what_programs_read():
    shown = saying.shown({"version": "1.0", "hint": "Wait.", "error": "web1 is off.", "message": "1.0 runs"})

    assert list(shown) == ["message", "error", "hint", "version"]


def test_all_of_a_result_is_made_neutral():
    shown = saying.shown({"why": ["{{ st2kv }}"], "message": "{{ st2kv }}"})

    assert "{{" not in str(shown)


def test_what_is_printed_is_the_message_and_why_something_failed():
    assert saying.sentences({"version": "1.0", "message": "1.0 runs"}) == "1.0 runs\n"
    assert (
        saying.sentences({"error": "web1 is off.", "hint": "Switch it on."})
        == "web1 is off.\nSwitch it on.\n"
    )


def test_a_hint_that_is_empty_prints_no_line():
    assert saying.sentences({"error": "web1 is off.", "hint": ""}) == "web1 is off.\n"


def test_a_moment_is_one_that_people_can_read_wherever_it_stands():
    shown = saying.shown(
        {
            "rings": {"canary": {"since": 1795968000.7}, "production": {"since": 0.0}},
            "history": [{"when": 60}],
        }
    )

    assert shown["rings"] == {"canary": {"since": "2026-11-29T16:00:00Z"}, "production": {"since": ""}}
    assert shown["history"] == [{"when": "1970-01-01T00:01:00Z"}]


def test_a_number_that_is_no_moment_stays_one():
    assert saying.shown({"seconds": 1795968000.7, "at_once": 3}) == {"seconds": 1795968000.7, "at_once": 3}
