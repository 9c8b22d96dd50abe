"""Alertmanager: told that hosts may be absent while they are updated."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Iterator, Sequence

import requests

from cicd.config import Settings
from cicd.release.host import Host
from cicd.release.host_pattern import pattern
from cicd.sanitize import beginning, one_line, rfc3339

TIMEOUT_SECONDS = 5
COMMENT_CHARACTERS = 300


@contextmanager
def silenced(settings: Settings, project: str, hosts: Sequence[Host], seconds: int) -> Iterator[str]:
    """
    Silence alerts that say that *hosts* are absent, for the block or *seconds*, whichever ends first.

    Nothing is silenced where no Alertmanager is configured. One that cannot be told stops no deploy: the
    block is given why, in words, and else an empty text.
    """
    if not settings.monitoring.alertmanager or not hosts:
        yield ""
        return
    try:
        known, trouble = _silence(settings, project, hosts, seconds), ""
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        known, trouble = "", f"Alertmanager could not be told ({one_line(type(error).__name__, 60)})"
    try:
        yield trouble
    finally:
        if known:
            _expire(settings, known)


def _silence(settings: Settings, project: str, hosts: Sequence[Host], seconds: int) -> str:
    names = ", ".join(host.name for host in hosts)
    labels = {
        "alertname": f"({'|'.join(settings.monitoring.absence_alerts)})",
        settings.monitoring.host_label: pattern(name for host in hosts for name in (host.name, host.address)),
    }
    body = {
        "matchers": [
            {"name": name, "value": value, "isRegex": True, "isEqual": True} for name, value in labels.items()
        ],
        "startsAt": rfc3339(time.time()),
        "endsAt": rfc3339(time.time() + seconds),
        "createdBy": "cicd",
        "comment": beginning(f"cicd updates {project} on {names}", COMMENT_CHARACTERS),
    }
    answer = _ask(settings, "POST", "silences", body)
    return str(answer.json()["silenceID"])


def _expire(settings: Settings, known: str) -> None:
    """What cannot be ended now ends by itself."""
    try:
        _ask(settings, "DELETE", f"silence/{known}")
    except requests.RequestException:
        return


def _ask(settings: Settings, method: str, path: str, body: object = None) -> requests.Response:
    url = f"{settings.monitoring.alertmanager.rstrip('/')}/api/v2/{path}"
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, url, json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        return answer
