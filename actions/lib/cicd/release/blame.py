"""What stays known of a deploy that did not end well, beside the ring that it was of. Pure."""

from __future__ import annotations

from dataclasses import replace

from cicd.release.record import Ring
from cicd.release.stop import Stop, went_back_badly


def blamed(current: Ring, ended: Stop) -> Stop:
    """Return how the deploy to *current* ended: a going-back that failed leaves what it went back from."""
    version = current.wanted.version if current.wanted else ""
    known = replace(ended, version=version)
    if not current.backward:
        return known
    return went_back_badly(current.stop or known, ended.sentence, ended.hint)


def overcome(current: Ring) -> Stop | None:
    """Return what is left to say of a failure once the ring is well; nothing of the version that is there."""
    ended = current.stop
    if ended is None or (current.wanted and ended.version == current.wanted.version):
        return None
    return replace(ended, back="")
