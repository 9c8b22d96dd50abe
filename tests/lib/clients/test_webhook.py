"""What Slack shows beside buttons: text from outside as it is, and our own link whole."""

from html import unescape

from cicd.clients import webhook

BUTTONS = [("approve", "greeter 1.0-1.aaaaaaa canary")]
LINK = "https://st2.example.com/#/history/1"


def section(*lines: str, link: str = LINK) -> dict:
    shown: dict = webhook.blocks(webhook.text(lines, link), BUTTONS)[0]["text"]
    return shown


def test_slack_makes_no_link_or_call_of_what_is_plain_text():
    assert section("greeter: see #general, @ann or evil.example.com")["verbatim"] is True


def test_a_long_text_is_cut_between_signs_and_keeps_its_link():
    for sign in ("&", "a", "<b"):
        text = section("x" + sign * 3000)["text"]
        said, _, link = text.rpartition("\n")
        assert len(text) <= webhook.SECTION_CHARACTERS
        assert link == f"<{LINK}>"
        assert set(unescape(said).strip("x…")) == set(sign)


def test_a_text_that_fits_is_shown_whole_with_a_link_or_without_one():
    assert section("a", "b")["text"] == f"a\nb\n<{LINK}>"
    assert section("a", "b", link="")["text"] == "a\nb"
