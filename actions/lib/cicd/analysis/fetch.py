"""One question over HTTP to a machine that is near, whose answer is of bounded size."""

from __future__ import annotations

from typing import Mapping

import requests

from cicd.clients import near
from cicd.sanitize import one_line

MOST_BYTES = 20_000_000
PART_BYTES = 65536


class Unusable(Exception):
    """What was asked gave no answer, or none that can be used; it says why."""


def text(url: str, form: Mapping[str, str] | None = None) -> str:
    """Return what *url* answers to GET, or to POST with a *form*; Unusable unless that is a success."""
    answer = ask(url, form)
    if answer.status_code != requests.codes.ok:
        raise Unusable(f"answers with status {answer.status_code}")
    return answer.text


def ask(url: str, form: Mapping[str, str] | None = None) -> requests.Response:
    """Return the answer of *url* to GET, or POST with a *form*, whatever its status; Unusable without one."""
    try:
        with near.ask("POST" if form else "GET", url, data=form, stream=True) as answer:
            _read(answer)
            return answer
    except requests.RequestException as error:
        raise Unusable(f"does not answer ({one_line(type(error).__name__, 60)})") from None


def authority(address: str, port: int) -> str:
    """Return *address* and *port* as they stand in a URL."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _read(answer: requests.Response) -> None:
    """Read the body, but not one without an end; what breaks off is an error of requests."""
    body = bytearray()
    for part in answer.iter_content(PART_BYTES):
        body += part
        if len(body) > MOST_BYTES:
            raise Unusable(f"answers with more than {MOST_BYTES} bytes")
    answer._content = bytes(body)
