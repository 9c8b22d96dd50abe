"""Text from outside is harmless once it is neutral."""

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.sanitize import neutral, neutral_data, one_line

HOSTILE = st.lists(
    st.sampled_from(
        ["{{", "}}", "{%", "%}", "{#", "#}", "<%", "%>", "{", "%", "<", "\x1b[31m", "\u202e", "a", "\n"]
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize("text", ["{{ config_context.token }}", "<% ctx(secret) %>", "{% raw %}", "{# x #}"])
def test_no_template_opener_survives(text):
    shown = neutral(text)

    assert not any(opener in shown for opener in ("{{", "{%", "{#", "<%"))
    assert shown.replace("\u200b", "") == text


@given(HOSTILE)
def test_neutral_text_is_plain_text_for_jinja_and_has_no_yaql(text):
    shown = neutral(text)

    # Jinja drops one newline at the end of a template unless told to keep it.
    assert jinja2.Environment(keep_trailing_newline=True).from_string(shown).render() == shown
    assert "<%" not in shown


@given(st.text())
def test_neutral_twice_is_neutral_once(text):
    assert neutral(neutral(text)) == neutral(text)


@given(st.text())
def test_what_reaches_a_terminal_cannot_move_or_reorder_it(text):
    assert not set(neutral(text)) & set("\x1b\r\x07\x08\u202a\u202e\u2066")


def test_the_end_of_a_long_text_is_what_is_kept():
    assert neutral("x" * 5000 + "the error", 20).endswith("the error")


def test_a_line_stays_a_line():
    assert one_line("a\nb\r\nc") == "a b c"


def test_a_long_line_says_what_was_tried_and_why_it_failed():
    said = f"apt cannot read the repository: {'Get:1 http://apt.example.com ' * 50}E: Connection refused"

    shown = one_line(said, 100)

    assert shown.startswith("apt cannot read the repository: ")
    assert shown.endswith("E: Connection refused")
    assert len(shown) <= 100


@given(HOSTILE, st.integers(20, 60))
def test_a_line_that_was_cut_is_neutral_and_no_longer_than_asked_for(text, limit):
    shown = one_line(text * 9, limit)

    assert neutral(shown) == shown
    assert len(shown) <= limit


def test_data_is_neutral_to_its_leaves():
    assert neutral_data({"{{a}}": ["<% b %>", 1, None]}) == {"{\u200b{a}}": ["<\u200b% b %>", 1, None]}
