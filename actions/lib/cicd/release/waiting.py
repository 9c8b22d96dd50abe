"""What waits for a promotion, and for which ring. Pure."""

from __future__ import annotations

from cicd.release.record import HEALTHY, Build, Release


def awaiting(release: Release) -> list[Build]:
    """Return what is wanted on the rings from which a version is promoted, each once."""
    lifecycle = release.lifecycle
    found = [release.ring(name).wanted for name in lifecycle.names if lifecycle.followers(name)]
    return list(dict.fromkeys(build for build in found if build))


def next_rings(release: Release, version: str) -> list[str]:
    """Return the rings that *version* may come to next, from a ring that wants it, in their order."""
    lifecycle = release.lifecycle
    has = {
        name
        for name in lifecycle.names
        if (wanted := release.ring(name).wanted) and wanted.version == version
    }
    return [stage.name for stage in lifecycle.stages if stage.name not in has and has & set(stage.after)]


def behind(release: Release) -> list[str]:
    """Return the rings that do not run, healthy, what every ring before them wants, in their order."""
    return [name for name in release.lifecycle.names[1:] if not _is_level(release, name)]


def _is_level(release: Release, ring: str) -> bool:
    current = release.ring(ring)
    before = [release.ring(name).wanted for name in release.lifecycle.stage(ring).after]
    return current.state == HEALTHY and all(build and build == current.wanted for build in before)
