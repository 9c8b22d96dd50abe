"""Whether what a canary is judged by answers, and who is told of hosts that are updated."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Callable, Iterator

from cicd.analysis import fetch, haproxy, prometheus
from cicd.analysis.fetch import Unusable
from cicd.clients import icinga, muting
from cicd.config import Settings
from cicd.finding import GOOD, WRONG, Finding

FIX = "Correct that, or `monitoring` in the pack's configuration; see docs/analysis.md and docs/alarms.md."


def findings(settings: Settings) -> Iterator[Finding]:
    """Ask balancers, Prometheus, Alertmanager and Icinga that are configured; nothing is found of others."""
    known = settings.monitoring
    for url in known.haproxy:
        yield _tried("HAProxy", url, _balancer)
    if known.prometheus:
        yield _tried("Prometheus", known.prometheus, _prometheus)
    if known.alertmanager:
        yield _tried("Alertmanager", known.alertmanager, _alertmanager)
    if known.icinga:
        yield _tried("Icinga", known.icinga, lambda _: _icinga(settings))


def _tried(what: str, url: str, question: Callable[[str], str]) -> Finding:
    try:
        return Finding(f"{what} {url}", GOOD, question(url))
    except Unusable as error:
        return Finding(f"{what} {url}", WRONG, str(error), FIX)


def _balancer(url: str) -> str:
    known = haproxy.parse(fetch.text(url))
    return f"gives the figures of {sum(bool(slot.address) for slot in known.values())} servers"


def _prometheus(url: str) -> str:
    prometheus.value(fetch.text(f"{url.rstrip('/')}/api/v1/query", {"query": "vector(1)"}))
    return "answers queries"


def _alertmanager(url: str) -> str:
    fetch.text(f"{url.rstrip('/')}/api/v2/status")
    return "answers"


def _icinga(settings: Settings) -> str:
    try:
        allowed = icinga.permissions(settings)
    except muting.FAILURES as error:
        raise Unusable(f"cannot be asked: {muting.reason(error)}") from None
    missing = [one for one in icinga.ACTIONS if not any(fnmatchcase(one, pattern) for pattern in allowed)]
    if missing:
        raise Unusable(f"does not let {settings.monitoring.icinga_user} do {' and '.join(missing)}")
    return "takes downtimes"
