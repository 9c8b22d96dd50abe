"""Whether each provider of machines answers, knows us, and has what is configured."""

from __future__ import annotations

from typing import Iterator

from cicd.config import Settings
from cicd.errors import CicdError
from cicd.finding import GOOD, WRONG, Finding
from cicd.machines import drivers, gateway_door


def findings(settings: Settings) -> Iterator[Finding]:
    """Ask every provider that is configured, and the gateway; without one, nothing is asked or found."""
    for name in settings.machines.providers:
        what = f"machines of {name}"
        try:
            yield Finding(what, GOOD, drivers.of(settings, name).check())
        except CicdError as error:
            yield Finding(what, WRONG, error.message, error.hint)
    yield from gateway_door.findings(settings)
