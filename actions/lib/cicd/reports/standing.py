"""What people are told of what is wrong until it is mended: drift of hosts, and keys that expire. Pure."""

from __future__ import annotations

from typing import Mapping

from cicd.fleet.drift_log import Standing
from cicd.release.record import EVERYTHING
from cicd.reports.notice import Notice
from cicd.repository import signing_keys
from cicd.sanitize import age

PATIENCE_SECONDS = 120.0  # for a host that another run may cure
OVER = "over"


def of_drift(
    project: str, drift: Mapping[str, Standing], told: Mapping[str, str], since: float, now: float
) -> list[Notice]:
    """
    Return what to tell of the *drift* of a project's hosts that began after *since*, unless *told* has it.

    What is over before anybody is told of it is one notice, and none where it was cured by itself.
    """
    due = {key: one for key, one in drift.items() if one["since"] >= since and _lasts(one, now)}
    found = [_of_host(project, key, one) for key, one in due.items()]
    return [notice for notice in found if told.get(notice.about) != notice.mark]


def _lasts(one: Standing, now: float) -> bool:
    return not one["repairable"] or (one["until"] or now) - one["since"] >= PATIENCE_SECONDS


def _of_host(project: str, key: str, one: Standing) -> Notice:
    over = f"over after {age(one['until'] - one['since'])}: " if one["until"] else ""
    return Notice(
        events=("drift",),
        project=project,
        said=f"{over}{one['message']}",
        following="" if over else f"`what is deployed for {project}`",
        about=f"drift {key}",
        mark=f"{one['since']:.0f} {OVER if over else one['kind']}",
        at=one["until"] or one["since"],
    )


def of_keys(ends: Mapping[str, float], told: Mapping[str, str], now: float) -> list[Notice]:
    """Return what to tell of keys that expire at *ends*: each once when it is soon, very soon, and over."""
    found = [
        Notice(
            events=("key_expires",),
            project=EVERYTHING,
            said=signing_keys.sentence(name, end, now),
            following=signing_keys.FIX,
            about=f"key {name}",
            mark=f"{end:.0f} {signing_keys.stage(end, now)}",
            at=now,
        )
        for name, end in sorted(ends.items())
        if signing_keys.stage(end, now)
    ]
    return [notice for notice in found if told.get(notice.about) != notice.mark]
