"""The signs of life of sensors: which process reads which configuration, and what troubles it."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import socket
import time
from typing import Iterator, List, Mapping, Sequence, TypedDict

from cicd import config, project_files
from cicd.config import Settings
from cicd.finding import GOOD, WARNING, WRONG, Finding
from cicd.store.store import Store

SIGN_SECONDS = 60
PATIENCE = 3
SENSORS = ("BuildResultSensor", "DriftSensor", "LostDeploySensor", "MissedPushSensor")
SHARE = "give the files to a group of the sensors' user (chgrp st2 and chmod 640)"
RESTART = "restart st2sensorcontainer and read its log"


class Sign(TypedDict, total=False):
    """A sign of life `at` an epoch second of a process that polls `every` so many seconds."""

    pid: int
    host: str
    user: str
    every: float
    configuration: str
    unreadable: List[str]
    trouble: str
    at: float


class Life:
    """
    The sign of one sensor's process: the key `cicd/.sensors/<sensor>`.

    It is written when something changed, and otherwise once a minute.
    """

    def __init__(self, sensor: str, every: float) -> None:
        self._sensor, self._every = sensor, float(every or 0)
        self._written: Sign = {}
        self._next = 0.0

    def sign(self, settings: Settings, configuration: str, trouble: str) -> str:
        """Give a sign of life; return once what troubled the process before this one, if this one is well."""
        sign: Sign = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "user": _user(),
            "every": self._every,
            "configuration": configuration,
            "unreadable": config.unreadable_to_sensors(settings),
            "trouble": trouble,
        }
        last = {name: value for name, value in self._written.items() if name != "at"}
        if sign == last and time.monotonic() < self._next:
            return ""
        store, first = Store(settings), not self._written
        before = store.json(key(self._sensor), Sign) if first and not trouble else None
        self._written, self._next = {**sign, "at": time.time()}, time.monotonic() + SIGN_SECONDS
        store.put(key(self._sensor), self._written)
        return str((before or {}).get("trouble", ""))


def findings(store: Store, settings: Settings, given: Mapping[str, object], now: float) -> Iterator[Finding]:
    """Yield what the sensors' signs of life say: dead or old processes, secrets that they cannot read."""
    private = config.private(settings, config.READ_FOR_CONSUL)
    for sensor in SENSORS:
        yield from judged(sensor, store.json(key(sensor), Sign), digest(given), now, private)


def judged(
    sensor: str, sign: Sign | None, wanted: str, now: float, private: Sequence[str] = ()
) -> Iterator[Finding]:
    """
    Yield what *sign* says of *sensor*, when the actions' configuration is *wanted*, a digest.

    *private* are the files without which no sign comes, and that their owner alone may read.
    """
    share = f" Another user than their owner cannot read {', '.join(private)}: {SHARE}." if private else ""
    if sign is None:
        fix = f"Run `st2ctl reload --register-configs`; sensors then take it. If this stays, {RESTART}."
        said = "it gave no sign of life: it does not run, or on an empty configuration"
        yield Finding(sensor, WRONG, said, f"{fix}{share}")
        return
    process = f"process {sign['pid']} on {sign['host']}"
    quiet = abs(now - float(sign["at"]))  # a process that lives writes anew soon after a clock was set back
    if quiet > PATIENCE * max(SIGN_SECONDS, float(sign["every"])):
        yield Finding(
            sensor, WRONG, f"{process} gave no sign of life for {quiet:.0f} s", f"Please {RESTART}.{share}"
        )
    elif sign["configuration"] != wanted:
        said = f"{process} reads the configuration {sign['configuration']}, and the actions read {wanted}"
        fix = f"It takes a new one at its next poll, in {sign['every']:.0f} s. If this stays, {RESTART}."
        yield Finding(sensor, WRONG, said, fix)
    elif sign["unreadable"]:
        paths, user = ", ".join(sign["unreadable"]), sign["user"]
        fix = f"Give the files to a group of that user: chgrp {user} and chmod 640."
        yield Finding(sensor, WRONG, f"it runs as {user}, who cannot read {paths}", fix)
    elif sign["trouble"]:
        yield Finding(sensor, WARNING, f"{process} is in trouble: {sign['trouble']}")
    else:
        yield Finding(
            sensor, GOOD, f"{process} reads the configuration {wanted}, as the actions do, and every secret"
        )


def digest(given: Mapping[str, object]) -> str:
    """Return what stands for the configuration *given*, with the files of its projects."""
    given = {**given, "files": project_files.digests(str(given.get("projects_dir") or ""))}
    return hashlib.sha256(json.dumps(given, sort_keys=True, default=str).encode()).hexdigest()[:16]


def key(sensor: str) -> str:
    """Return where the sign of life of *sensor* is."""
    return f"cicd/.sensors/{sensor}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name  # not by the environment, which may be another user's
    except KeyError:  # a user without a name
        return str(os.getuid())
