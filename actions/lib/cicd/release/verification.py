"""Whether the hosts of a ring run a version, healthy, at one moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Container, Mapping, Tuple

from cicd.errors import Refused
from cicd.release.host_report import HostReport


@dataclass(frozen=True)
class Proof:
    """What troubles each host of a ring with `version`; empty text where nothing does."""

    version: str
    hosts: Mapping[str, str] = field(default_factory=dict)


def record_host(proof: Proof, host: str, report: HostReport, failing: str, when: float) -> Proof:
    """Return *proof* with what *host* reported last, and the Consul checks that are *failing* there."""
    trouble = failing
    if not trouble and report.installed != proof.version:
        trouble = f"reports {report.installed or 'nothing'} installed{_ago(report, when)}"
    return replace(proof, hosts={**proof.hosts, host: trouble})


def refuse_unproven(proof: Proof, project: str, version: str, ring: str) -> None:
    """Raise Refused unless every host is proven to run *version*; an empty ring proves nothing."""
    if proof.version != version:
        raise Refused(
            f"{ring} of {project} changed to {version} while {proof.version or 'nothing'} was verified.",
            "Try again.",
        )
    troubled = {host: trouble for host, trouble in sorted(proof.hosts.items()) if trouble}
    if proof.hosts and not troubled:
        return
    good, why = len(proof.hosts) - len(troubled), "; ".join(f"{h} {t}" for h, t in troubled.items())
    raise Refused(
        f"{project} {version} is verified on {good} of {len(proof.hosts)} {ring} hosts"
        f"{f' ({why})' if why else ''}.",
        f"Repair or exclude {', '.join(troubled) or 'nothing: register a host'}, then try again.",
    )


def excused(proof: Proof, failed: Container[str], budget: int) -> Tuple[str, ...]:
    """
    Return the hosts without proof, when a deploy may end without them.

    That is when it recorded each as *failed*, and they are no more than its *budget*; otherwise nobody is.
    """
    troubled = tuple(sorted(host for host, trouble in proof.hosts.items() if trouble))
    return troubled if len(troubled) <= budget and all(host in failed for host in troubled) else ()


def without(proof: Proof, names: Container[str]) -> Proof:
    """Return *proof* of all hosts but those called *names*."""
    return replace(proof, hosts={host: said for host, said in proof.hosts.items() if host not in names})


def _ago(report: HostReport, when: float) -> str:
    try:
        at = datetime.strptime(report.at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return ""
    return f" {max(0.0, when - at.timestamp()):.0f} s ago"
