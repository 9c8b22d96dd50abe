"""Icinga 2: hosts are in a downtime while they are updated. Facts: its documentation, chapter REST API."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any, Callable, List, Mapping

import requests

from cicd import config
from cicd.clients import near
from cicd.clients.maintenance import AUTHOR, Maintenance, Untold
from cicd.config import Settings
from cicd.sections import MonitoringSettings

ACTIONS = ("actions/schedule-downtime", "actions/remove-downtime")
FAILED = requests.codes.server_error
# Text is data for the filter: it has only the name of a variable.
FILTER = "regex(names, host.name) || regex(names, host.address)"


def rest(settings: Settings, maintenance: Maintenance) -> Callable[[], object]:
    """
    Begin a downtime of the hosts in *maintenance*, not of their services; return what ends it.

    OSError (requests' errors among them), LookupError, TypeError or ValueError when Icinga does not answer,
    or not as it should; Untold when it knows none of the hosts; ConfigError when a file cannot be read.
    """
    wanted = {
        "type": "Host",
        "filter": FILTER,
        "filter_vars": {"names": f"^{maintenance.pattern}$"},
        "author": AUTHOR,
        "comment": maintenance.comment,
        "start_time": maintenance.begin,
        "end_time": maintenance.end,
        "fixed": True,
    }
    begun = _ask(settings, "POST", "actions/schedule-downtime", wanted)
    known = [str(one["name"]) for one in begun if "name" in one]
    if not known:
        raise Untold("it knows none of the hosts")
    return partial(
        _ask, settings, "POST", "actions/remove-downtime", {"type": "Downtime", "downtimes": known}
    )


def permissions(settings: Settings) -> List[str]:
    """Return what the user of the configuration may do, as patterns such as `actions/*`; errors as `rest`."""
    (known,) = _ask(settings, "GET", "")
    return [_named(one) for one in known["permissions"]]


def _named(permission: Any) -> str:
    """A permission with a filter is an object, and else its text."""
    return str(permission["permission"] if isinstance(permission, Mapping) else permission)


def _login(known: MonitoringSettings) -> str:
    pair = f"{known.icinga_user}:{config.secret(known.icinga_password_file)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _ask(settings: Settings, method: str, path: str, body: object = None) -> List[Any]:
    known = settings.monitoring
    config.secret(known.icinga_ca_file)
    url, headers = f"{known.icinga.rstrip('/')}/v1/{path}", {"Accept": "application/json"}
    headers["Authorization"] = _login(known)
    return _results(near.ask(method, url, json=body, headers=headers, verify=known.icinga_ca_file or True))


def _results(answer: requests.Response) -> List[Any]:
    if answer.status_code == FAILED and dict(answer.json()).get("results") == []:
        return []  # an action is taken to have failed when it was done to nothing
    answer.raise_for_status()
    return list(answer.json()["results"])
