"""Our own form: project, host, check and status, as JSON or as a form; Nagios and Icinga send it."""

from __future__ import annotations

from gateway.alarms.signal import Signal
from gateway.alarms.values import Table


def fits(body: Table) -> bool:
    """Return whether *body* may be of this form: whatever is of no other."""
    return True


def signals(body: Table) -> list[Signal]:
    """Return the one alarm in *body*."""
    return [Signal(body.get("status"), body)]
