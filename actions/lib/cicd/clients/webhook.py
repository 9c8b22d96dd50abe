"""An incoming webhook of a chat, in the form that Slack and Mattermost share."""

from __future__ import annotations

import html
import re
from typing import Sequence

from cicd import config
from cicd.clients import posting
from cicd.errors import ConfigError

URL = re.compile(r"https?://[^\s/@]+(/\S*)?")


def post(url_file: str, lines: Sequence[str], link: str) -> None:
    """
    Post *lines*, which may have text from outside, and our own *link* to the URL in *url_file*.

    Errors are those of posting.send. None shows the URL: who knows it may post.
    """
    body = {"text": text(lines, link), "unfurl_links": False, "unfurl_media": False}
    posting.send(f"The webhook of {url_file}", "POST", _url(url_file), body)


def text(lines: Sequence[str], link: str) -> str:
    """Return what is posted: of Slack's signs, only those around *link* are signs."""
    said = [html.escape(line, quote=False) for line in lines]
    return "\n".join([*said, f"<{html.escape(link)}>"] if link else said)


def _url(url_file: str) -> str:
    url = config.secret(url_file)
    if not URL.fullmatch(url):
        raise ConfigError(f"The file {url_file} has no http or https URL.", "Write the webhook's URL there.")
    return url
