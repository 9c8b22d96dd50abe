"""Where hosts differ from what is wanted of them, by what they report. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Iterator, Mapping, Sequence

from cicd.release.host_report import SILENT as UNHEARD
from cicd.release.host_report import HostReport, Reports
from cicd.release.transitions import DEGRADED, HEALTHY, RESTORING, Release
from cicd.sanitize import one_line

WRONG_VERSION = "wrong_version"  # another version than its ring's, though hosts may converge alone
HALF_CONFIGURED = "half_configured"  # dpkg began and did not end
EDITED = "edited"  # files of the package are not as they came
SILENT = "silent"  # no sign of life for a while
UNKNOWN = "unknown"  # reports, but its service is not in Consul
FOREIGN = "foreign"  # Consul has a registration of its service that its own agent did not make
LATE_COPY = "late_copy"  # the ring's own datacentre does not have what is wanted
OLD_AGENT = "old_agent"  # its cicd-converge is older than this pack needs
REPAIRABLE = (WRONG_VERSION, HALF_CONFIGURED)  # what one more run of cicd-converge may cure
WATCHED = (SILENT, FOREIGN, LATE_COPY)  # what is found only by watching for a while
OPEN = (HEALTHY, DEGRADED, RESTORING)  # no deploy walks the ring: its hosts converge by themselves
NEEDED_AGENT = (0, 1, 0)


@dataclass(frozen=True)
class Limits:
    """How long, in seconds, a host may be silent, and may take to follow a change."""

    silent: float = 300.0
    follow: float = 120.0


@dataclass(frozen=True)
class Drift:
    """
    One host that is not as it should be: what kind of drift, and a sentence about it.

    `host` is empty where it is of a whole ring.
    """

    project: str
    host: str
    ring: str
    kind: str
    wanted: str
    installed: str
    message: str

    @property
    def key(self) -> str:
        """What makes it the same drift the next time."""
        return f"{self.project}/{self.host or self.ring}/{self.kind}/{self.wanted}"

    @property
    def repairable(self) -> bool:
        """Whether one more run of cicd-converge may cure it, and nobody asked to leave the host alone."""
        return self.kind in REPAIRABLE


def find(
    release: Release,
    rings: Mapping[str, str],
    reports: Reports,
    quiet: Mapping[str, float],
    now: float,
    limits: Limits = Limits(),  # frozen
    foreign: Mapping[str, str] = MappingProxyType({}),
) -> list[Drift]:
    """
    Return every drift of the project's hosts, sorted.

    *rings* says the ring of each host that Consul has the service of, *reports* what hosts
    last reported, *quiet* for how many seconds no sign of life came from a host, by the watcher's
    own clock: hosts' clocks may be wrong. *now* is the epoch second. *foreign* says what is wrong with
    the registration of a host.
    """
    found = [_unknown(release, host, reports[host]) for host in reports if host not in rings]
    found += [_foreign(release, host, rings[host], foreign[host]) for host in rings if host in foreign]
    for host, ring in rings.items():
        report = reports.get(host)
        if quiet.get(host, 0.0) > limits.silent:
            found.append(_silent(release, host, ring, report or UNHEARD, limits))
        elif report is not None:
            found += _of_report(release, host, ring, report, now, limits)
    return sorted(found, key=lambda drift: drift.key)


def of_copies(release: Release, late: Mapping[str, str]) -> list[Drift]:
    """Return the drift of rings whose datacentre is *late*, with the reason of each."""
    return [_of_copy(release, ring, late[ring]) for ring in sorted(late)]


def news(found: Sequence[Drift], known: Sequence[str]) -> list[Drift]:
    """Return what is not among the *known* keys: each drift is told once, and again when it came back."""
    return [drift for drift in found if drift.key not in known]


def _of_report(
    release: Release, host: str, ring: str, report: HostReport, now: float, limits: Limits
) -> Iterator[Drift]:
    wanted = release.ring(ring)
    version = wanted.wanted.version if wanted.wanted else ""

    def drift(kind: str, message: str) -> Drift:
        return Drift(release.project, host, ring, kind, version, report.installed, f"{host}: {message}")

    may_move = wanted.state in OPEN and now - wanted.since > limits.follow and report.state != "held"
    if may_move and report.dpkg not in ("", "installed", "not-installed", "config-files"):
        yield drift(HALF_CONFIGURED, f"dpkg left {release.project} {report.dpkg}: {_said(report)}")
    elif may_move and version and report.installed != version:
        yield drift(
            WRONG_VERSION, f"it runs {report.installed or 'nothing'} instead of {version}: {_said(report)}"
        )
    if report.edited:
        yield drift(
            EDITED,
            f"someone changed {one_line(report.edited)}; `sudo cicd-converge --repair "
            f"{release.project}` on the host installs the package again",
        )
    if report.foreign:
        noticed = f"its agent did not register {one_line(report.foreign, 200)} on it"
        yield _foreign(release, host, ring, noticed)
    if _agent(report) < NEEDED_AGENT:
        yield drift(OLD_AGENT, "its cicd-converge is older than this pack needs; upgrade that package")


def _of_copy(release: Release, ring: str, why: str) -> Drift:
    wanted = release.ring(ring).wanted
    message = f"{ring} of {release.project} may run something else than is wanted: {why}"
    return Drift(release.project, "", ring, LATE_COPY, wanted.version if wanted else "", "", message)


def _silent(release: Release, host: str, ring: str, report: HostReport, limits: Limits) -> Drift:
    wanted = release.ring(ring).wanted
    last = f"last report {report.at}" if report != UNHEARD else "it never reported, who registered it?"
    message = (
        f"{host}: no sign of life for {limits.silent:.0f} s ({one_line(last, 60)}); "
        "see cicd-converge.timer there"
    )
    version = wanted.version if wanted else ""
    return Drift(release.project, host, ring, SILENT, version, report.installed, message)


def _foreign(release: Release, host: str, ring: str, said: str) -> Drift:
    message = (
        f"{host}: {said}; another node may have written it: find out who has the token of a host of "
        f"{release.project}, and give these hosts new ones"
    )
    return Drift(release.project, host, ring, FOREIGN, "", "", message)


def _unknown(release: Release, host: str, report: HostReport) -> Drift:
    message = (
        f"{host} reports about {release.project}, but has no such service in Consul; register it, "
        f"or delete the key cicd/{release.project}/hosts/{host}"
    )
    return Drift(release.project, host, report.ring, UNKNOWN, "", report.installed, message)


def _said(report: HostReport) -> str:
    return one_line(report.message or "it does not say why", 200)


def _agent(report: HostReport) -> tuple[int, ...]:
    """Return the version of the host's agent; agents that say none are older than any that does."""
    parts = report.agent.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()
