"""Whatever a page shows is text in it."""

import base64
import hashlib
import re
import xml.etree.ElementTree as xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from status.pages import POLICY, Pages, badge, took, words
from status.view import ProjectView, RingView, RunView

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">{{ 7*7 }}"\''
PAGES = Pages("https://github.com/{repository}/commit/{commit}")


def ring(text: str, name: str = "canary") -> RingView:
    host = {"name": text, "ring": name, "address": text, "version": text, "healthy": False, "reason": text}
    return {
        "name": name, "state": text, "colour": "ok", "version": text, "commit": text, "since": text,
        "age": text, "before": text, "bake": {"done": 0, "needed": 0}, "hosts": [host], "more": 0,
        "verdict": {"outcome": text, "said": text, "colour": text}, "good": 0, "sick": 1,
    }  # fmt: skip


def run(text: str) -> RunView:
    step = {"name": text, "state": text, "when": text, "seconds": 3.5, "execution": text, "url": text}
    return {
        "commit": text, "who": text, "when": text, "age": text, "version": text, "step": 4, "state": "failed",
        "said": text, "why": text, "execution": text, "url": text, "seconds": 134.0,
        "steps": [step] * 19,
    }  # fmt: skip


def view(text: str) -> ProjectView:
    change = {"when": text, "who": text, "what": text, "ring": text, "moved": text, "why": text}
    return {
        "name": "greeter", "repository": text, "at": text, "rings": [ring(text), ring(text, "production")],
        "good": 0, "sick": 2, "notes": [text], "next": text, "holds": [], "waiting": 0, "waiting_since": "",
        "runs": [run(text)], "history": [change],
    }  # fmt: skip


def pages(text: str) -> list[str]:
    shown = view(text)
    return [
        PAGES.all([shown], text),
        PAGES.project(shown, text),
        PAGES.commit(shown, shown["runs"][0], text),
        PAGES.missing(text),
    ]


def tags(text: str) -> set[str]:
    """Return the tags of all pages that show *text*, with the script and the style as they are."""
    return set(re.findall(r"<[a-z/!][a-z0-9]*", " ".join(pages(text))))


KNOWN = tags("") | tags("`x`")


@given(st.text() | st.sampled_from(["<b>", "`<i>`", "a `b` `<u>", HOSTILE]))
def test_no_text_from_outside_adds_a_tag_to_a_page(text):
    assert tags(text) <= KNOWN


def test_hostile_text_is_shown_as_it_is():
    for page in pages(HOSTILE):
        assert "&lt;script&gt;alert(1)" in page
        assert "alert(1)</script>" not in page
        assert "{{ 7*7 }}" in page


def test_the_policy_lets_nothing_run_but_the_pages_own_script_and_style():
    page = PAGES.project(view("x"), "")
    for tag in ("script", "style"):
        found = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert found
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in POLICY
    assert "unsafe" not in POLICY
    assert "style=" not in page


def test_what_is_to_be_typed_is_code():
    assert words("`deploy production greeter` promotes <1>") == (
        "<code>deploy production greeter</code> promotes &lt;1&gt;"
    )
    assert words("an ` alone") == "an ` alone"


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])))
def test_a_badge_is_xml_with_the_version_in_it(version):
    shown = {**ring("x"), "version": version}
    picture = xml.fromstring(badge("greeter", shown))

    assert [one.text for one in picture if one.tag.endswith("text")] == [
        "greeter canary",
        version or "nothing",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (0.0, "0.0 s"), (9.94, "9.9 s"), (32.2, "32 s"), (60, "1 min"), (134, "2 min 14 s")],
)
def test_times_are_as_precise_as_people_need(seconds, said):
    assert took(seconds) == said


def test_a_wide_list_of_projects_has_a_line_for_each():
    page = PAGES.all([{**view("x"), "name": f"project{number}"} for number in range(100)], "")

    assert page.count("/projects/project") == 100
