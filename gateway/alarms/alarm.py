"""An alarm of known form, or why one has none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.alarms.harmless import harmless
from gateway.alarms.names import Names
from gateway.alarms.signal import Signal
from gateway.alarms.values import is_missing, text

PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
STATUS = re.compile(r"[a-z][a-z_-]{0,39}")
_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Alarm:
    """That a `check` of a `project` has a `status`; without a `host` it is about all of the project."""

    project: str
    host: str
    check: str
    status: str


@dataclass(frozen=True)
class Unusable:
    """Why an alarm cannot be used: a sentence that names the field."""

    reason: str


class _OddField(Exception):
    """A field that cannot be used; the text says which, and why."""


def alarm_of(signal: Signal, names: Names, url: Mapping[str, str]) -> Alarm | Unusable:
    """
    Return the alarm that *signal* is, or why it cannot be used.

    *url* may name project, host and check, in place of labels. No field that is odd is left out: an alarm
    without its host would be about every host.
    """
    labels = {**signal.labels, **{name: value for name, value in url.items() if name != "host"}}
    try:
        return Alarm(
            project=_project(labels, (("project",) if "project" in url else names.project)),
            host=_host(url["host"]) if "host" in url else _host(_first(labels, names.host)),
            check=_check(labels, ("check",) if "check" in url else names.check),
            status=_status(signal.status),
        )
    except _OddField as odd:
        return Unusable(str(odd))


def _project(labels: Mapping[str, object], names: Sequence[str]) -> str:
    value = _first(labels, names)
    if is_missing(value):
        raise _OddField(f"the project is missing: the alarm has no {' or '.join(names)}")
    return _fitting("project", text(value), PROJECT, value)


def _host(value: object) -> str:
    if is_missing(value):
        return ""
    bare = _without_port(text(value))
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return _fitting("host", bare, HOST, value)


def _without_port(spelled: str) -> str:
    """Return the name or the address in *spelled*, which may be a URL or have a port."""
    try:
        place = urlsplit(spelled).netloc.rpartition("@")[2] if "://" in spelled else spelled
    except ValueError:
        return ""
    found = _WITH_PORT.fullmatch(place)
    return (found["v6"] or found["name"] or "") if found else place


def _check(labels: Mapping[str, object], names: Sequence[str]) -> str:
    values = [labels[name] for name in names if not is_missing(labels.get(name))]
    spelled = [text(value) for value in values]
    if not all(spelled):
        raise _OddField("the check is not text")
    check = harmless(" ".join(spelled))
    if spelled and not check:
        raise _OddField("the check has no letter")
    return check


def _status(value: object) -> str:
    if is_missing(value):
        raise _OddField("the status is missing")
    return _fitting("status", "_".join(text(value).lower().split()), STATUS, value)


def _first(labels: Mapping[str, object], names: Sequence[str]) -> object:
    return next((labels[name] for name in names if not is_missing(labels.get(name))), None)


def _fitting(field: str, found: str, pattern: re.Pattern[str], given: object) -> str:
    if pattern.fullmatch(found):
        return found
    shown = harmless(text(given), 60)
    raise _OddField(f"the {field} cannot be used: {shown}" if shown else f"the {field} is not text")
