"""All monitoring systems that are told of hosts while these are updated, so that nobody is paged."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Callable, Iterator, Mapping, Sequence

import requests

from cicd.clients import alertmanager, icinga, maintenance
from cicd.clients.maintenance import Maintenance
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.release.host import Host
from cicd.sanitize import one_line

REASON_CHARACTERS = 200
Ending = Callable[[], object]
# requests' errors are OSError; what is nested too deeply ends the reading of JSON with RecursionError.
FAILURES = (OSError, CicdError, LookupError, RecursionError, TypeError, ValueError)


@contextmanager
def muted(settings: Settings, project: str, hosts: Sequence[Host], seconds: int) -> Iterator[str]:
    """
    Have nobody alerted that *hosts* are absent, for the block or *seconds*, whichever ends first.

    Only the systems that `monitoring` names are told. One that cannot be told stops no deploy: the block
    is given why, in words, and else an empty text. What cannot be ended afterwards ends by itself.
    """
    wanted = maintenance.of(project, hosts, seconds)
    begun = [_begun(name, begin, settings, wanted) for name, begin in _systems(settings).items() if hosts]
    try:
        yield "; ".join(trouble for _, trouble in begun if trouble)
    finally:
        for end, _ in begun:
            _ended(end)


def _systems(settings: Settings) -> Mapping[str, Callable[[Settings, Maintenance], Ending]]:
    known = settings.monitoring
    told = {
        "Alertmanager": (known.alertmanager, alertmanager.silence),
        "Icinga": (known.icinga, icinga.rest),
    }
    return {name: begin for name, (url, begin) in told.items() if url}


def _begun(
    name: str, begin: Callable[[Settings, Maintenance], Ending], settings: Settings, wanted: Maintenance
) -> tuple[Ending, str]:
    """Return what ends what was begun, and why nothing was."""
    try:
        return begin(settings, wanted), ""
    except FAILURES as error:
        return (lambda: None), f"{name} could not be notified ({reason(error)})"


def _ended(end: Ending) -> None:
    try:
        end()
    except FAILURES:
        return


def reason(error: Exception) -> str:
    """Return in words why a monitoring system could not be told or asked."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answers with status {error.response.status_code}"
    if isinstance(error, CicdError):
        return one_line(error.message, REASON_CHARACTERS).rstrip(".")
    return one_line(type(error).__name__, REASON_CHARACTERS)
