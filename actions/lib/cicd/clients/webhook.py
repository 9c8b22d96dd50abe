"""An incoming webhook of a chat, in the form that Slack and Mattermost share."""

from __future__ import annotations

import html
import re
from typing import Dict, Mapping, Sequence, Tuple

from cicd import config
from cicd.clients import posting
from cicd.errors import ConfigError

SECTION_CHARACTERS = 3000
ASKED = ("promote", "rollback")  # what Slack asks a person about once more
SAID = re.compile(r"\A(.*?)((?:\n<[^\n]*>)?)\Z", re.DOTALL)
CUT_SIGN = re.compile(r"&\w*\Z")
URL = re.compile(r"https?://[^\s/@]+(/\S*)?")


def post(url_file: str, lines: Sequence[str], link: str, buttons: Sequence[Tuple[str, str]] = ()) -> None:
    """
    Post *lines*, which may have text from outside, and our own *link* to the URL in *url_file*.

    Each of *buttons* is what a person may do, and what about; the gateway takes what Slack sends of it.

    Errors are those of posting.send. None shows the URL: who knows it may post.
    """
    said = text(lines, link)
    body: Dict[str, object] = {"text": said, "unfurl_links": False, "unfurl_media": False}
    if buttons:
        body["blocks"] = blocks(said, buttons)
    posting.send(f"The webhook of {url_file}", "POST", _url(url_file), body)


def text(lines: Sequence[str], link: str) -> str:
    """Return what is posted: of Slack's signs, only those around *link* are signs."""
    said = [html.escape(line, quote=False) for line in lines]
    return "\n".join([*said, f"<{html.escape(link)}>"] if link else said)


def blocks(said: str, buttons: Sequence[Tuple[str, str]]) -> list[object]:
    """Return a message of Slack that *said* something and has *buttons*."""
    # Verbatim: only our own link is one, and no name of a channel or person becomes more than text.
    text = {"type": "mrkdwn", "text": _fitting(said), "verbatim": True}
    return [
        {"type": "section", "text": text},
        {"type": "actions", "elements": [_button(what, value) for what, value in buttons]},
    ]


def _fitting(said: str) -> str:
    """Return what of *said* a section holds: its beginning, and the link at its end."""
    text, link = SAID.findall(said)[0]
    left = SECTION_CHARACTERS - len(link)
    return said if len(text) <= left else f"{CUT_SIGN.sub('', text[: left - 1])}…{link}"


def _button(what: str, value: str) -> Mapping[str, object]:
    project, version, ring = value.split(" ")
    label = {
        "type": "plain_text",
        "text": f"{what.capitalize()} {ring}" if what in ASKED else what.capitalize(),
    }
    button: Dict[str, object] = {"type": "button", "action_id": what, "text": label, "value": value}
    if what in ASKED:
        question = {"type": "plain_text", "text": f"{what.capitalize()} {project} {version} on {ring}?"}
        words = {"confirm": "Yes", "deny": "No", "title": what.capitalize()}
        plain = {name: {"type": "plain_text", "text": word} for name, word in words.items()}
        button["confirm"] = {**plain, "text": question}
    return button


def _url(url_file: str) -> str:
    url = config.secret(url_file)
    if not URL.fullmatch(url):
        raise ConfigError(f"The file {url_file} has no http or https URL.", "Write the webhook's URL there.")
    return url
