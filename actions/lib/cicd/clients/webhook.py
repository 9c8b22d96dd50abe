"""An incoming webhook of a chat, in the form that Slack and Mattermost share."""

from __future__ import annotations

import html
import re
from typing import Sequence

from cicd import config
from cicd.errors import ConfigError, ReceiverBusy, ReceiverError

TIMEOUT_SECONDS = 10
RETRY_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3600.0
REFUSED = (400, 413, 422)  # this message, now and later
URL = re.compile(r"https?://[^\s/@]+(/\S*)?")


def post(url_file: str, lines: Sequence[str], link: str) -> None:
    """
    Post *lines*, which may have text from outside, and our own *link* to the URL in *url_file*.

    ReceiverBusy when it is worth another try; ReceiverError when this message is refused for good. No error
    shows the URL: who knows it may post.
    """
    import requests  # it takes long, and few actions tell anybody

    url = _url(url_file)
    body = {"text": text(lines, link), "unfurl_links": False, "unfurl_media": False}
    try:
        # What it answers beside the status is not read, however long it is.
        with requests.post(
            url, json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            status, after = answer.status_code, answer.headers.get("Retry-After", "")
    except (OSError, ValueError) as error:  # requests' own are OSErrors, urllib3's are not; both name the URL
        why = f"The webhook of {url_file} does not answer ({type(error).__name__})."
        raise ReceiverBusy(why, RETRY_SECONDS) from None
    if status in REFUSED:
        raise ReceiverError(f"The webhook of {url_file} refused a notice: {status}.")
    if not 200 <= status < 300:
        raise ReceiverBusy(f"The webhook of {url_file} answered {status}.", _wait(after))


def text(lines: Sequence[str], link: str) -> str:
    """Return what is posted: of Slack's signs, only those around *link* are signs."""
    said = [html.escape(line, quote=False) for line in lines]
    return "\n".join([*said, f"<{html.escape(link)}>"] if link else said)


def _url(url_file: str) -> str:
    url = config.secret(url_file)
    if not URL.fullmatch(url):
        raise ConfigError(f"The file {url_file} has no http or https URL.", "Write the webhook's URL there.")
    return url


def _wait(after: str) -> float:
    return min(max(1.0, float(after)), LONGEST_WAIT_SECONDS) if after.isdecimal() else RETRY_SECONDS
