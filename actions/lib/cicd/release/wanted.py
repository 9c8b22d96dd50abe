"""What the hosts of a ring read: what they are to run, and whether they may move by themselves. Pure."""

from __future__ import annotations

from cicd.release import holds
from cicd.release.record import RESTORING, Release


def held(release: Release, ring: str) -> str:
    """Return why hosts of *ring* must not move by themselves now: lock, freeze, pin, veto or nothing."""
    current = release.ring(ring)
    version = current.wanted.version if current.wanted else ""
    if current.ignores_holds:
        return "veto" if version in release.holds.vetoes else ""
    is_promoted = ring != release.lifecycle.first
    return (
        holds.blocking_hold(release.holds, version, is_promoted)
        or holds.blocking_hold(release.around, version, is_promoted)
        or ("freeze" if ring in release.windows else "")
    )


def documents(release: Release, datacenter: str, silent: int) -> dict[str, str]:
    """Return what the hosts in *datacenter* read, by key; the empty one is that with the record."""
    return {
        f"cicd/{release.project}/wanted/{ring}": wanted_document(release, ring, silent)
        for ring in release.lifecycle.rings_in(datacenter)
    }


def wanted_document(release: Release, ring: str, silent: int = 0) -> str:
    """
    Return what the ring's hosts read: `key=value` lines that a POSIX shell can take in one GET.

    `package` and `sha256` have one word, or several when the release has several packages. A ring that is
    `restoring` is pushed to at once, but its hosts need not wait for that. With *silent*, seconds, hosts
    report only what changed, and renew a check that lasts so long.
    """
    told = f"silent={silent}\n" if silent else ""
    current = release.ring(ring)
    build, hold = current.wanted, held(release, ring)
    if build is None:
        return f"version=\ngeneration={current.generation}\nrollout=open\nhold={hold}\n{told}"
    rollout = "open" if current.is_open else "pushed"
    rollout += "\nrestoring=yes" if current.state == RESTORING else ""
    return (
        f"package={' '.join(build.packages)}\nversion={build.version}\ngeneration={current.generation}\n"
        f"sha256={' '.join(build.digests)}\ntrace={build.trace}\nrollout={rollout}\nhold={hold}\n{told}"
    )
