"""Identifiers have one pattern each, and nothing else passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd import identifiers
from cicd.errors import InputError

HOSTILE = [
    "a;touch${IFS}/tmp/x",
    "$(id)",
    "`id`",
    "{{ config_context.token }}",
    "<% ctx() %>",
    "a\nb",
    "main\n",
    "-rf",
    "",
    "\u202emain",
    "../../etc",
]


@pytest.mark.parametrize("field", sorted(identifiers.PATTERNS))
@pytest.mark.parametrize("text", HOSTILE)
def test_defect_7_hostile_text_is_no_identifier(field, text):
    with pytest.raises(InputError):
        identifiers.check(field, text)


@given(st.sampled_from(sorted(identifiers.PATTERNS)), st.text())
def test_what_passes_has_nothing_a_shell_or_a_template_acts_on(field, text):
    try:
        passed = identifiers.check(field, text)
    except InputError:
        return
    # What a check is called is free text, which no shell is ever given.
    acts = ";|<$`\\{}\t\r\n\x1b\u202e\u200b" if field == "check" else " \t\r\n;&|<>$`\"'\\{}%*?()!"
    assert not set(passed) & set(acts)


@pytest.mark.parametrize(
    "name", ["HTTP 5xx > 1 %", "p99 (greeter), 'slow'", "Fehlerquote über 1 %", "磁盘 / 90%"]
)
def test_a_check_has_any_name_that_people_give_it(name):
    assert identifiers.check("check", name) == name


def test_a_slash_in_a_branch_is_kept():
    assert identifiers.check("branch", "feature/x") == "feature/x"


def test_the_trace_tag_joins_repository_and_commit():
    assert identifiers.trace_tag("acme/greeter", "a" * 40) == f"acme/greeter@{'a' * 40}"
