"""What waits for a promotion, and for which ring. Pure."""

from __future__ import annotations

from cicd.release.record import Build, Release


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
