"""Alertmanager: silent about the absence of hosts while they are updated."""

from __future__ import annotations

from functools import partial
from typing import Callable

import requests

from cicd.clients import near
from cicd.clients.maintenance import AUTHOR, Maintenance
from cicd.config import Settings
from cicd.sanitize import rfc3339


def silence(settings: Settings, maintenance: Maintenance) -> Callable[[], object]:
    """
    Silence alerts that say that hosts in *maintenance* are absent; return what ends that.

    requests' errors, LookupError, TypeError or ValueError when it does not answer, or not as it should.
    """
    labels = {
        "alertname": f"({'|'.join(settings.monitoring.absence_alerts)})",
        settings.monitoring.host_label: maintenance.pattern,
    }
    body = {
        "matchers": [
            {"name": name, "value": value, "isRegex": True, "isEqual": True} for name, value in labels.items()
        ],
        "startsAt": rfc3339(maintenance.begin),
        "endsAt": rfc3339(maintenance.end),
        "createdBy": AUTHOR,
        "comment": maintenance.comment,
    }
    known = str(_ask(settings, "POST", "silences", body).json()["silenceID"])
    return partial(_ask, settings, "DELETE", f"silence/{known}")


def _ask(settings: Settings, method: str, path: str, body: object = None) -> requests.Response:
    url = f"{settings.monitoring.alertmanager.rstrip('/')}/api/v2/{path}"
    answer = near.ask(method, url, json=body)
    answer.raise_for_status()
    return answer
