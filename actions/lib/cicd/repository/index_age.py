"""How old an index may become: what of it must be signed anew, and when. Pure."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Mapping

from cicd.finding import GOOD, WARNING, WRONG, Finding

DAY_SECONDS = 86400
RENEW = "st2 run cicd.renew_index"


def ends(release: Mapping[str, str]) -> float:
    """Return when clients begin to refuse the index of *release* (epoch seconds); infinite when never."""
    try:
        return parsedate_to_datetime(release["Valid-Until"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return float("inf")


def is_due(release: Mapping[str, str], days: int, now: float) -> bool:
    """Whether the index of *release*, valid for *days*, is to be signed anew: half of them are over."""
    left = ends(release) - now
    return release.get("NotAutomatic") != "yes" or not DAY_SECONDS * days / 2 <= left <= DAY_SECONDS * days


def finding(distribution: str, release: Mapping[str, str] | None, days: int, now: float) -> Finding:
    """Return what is to be said of the index of *distribution*; None is one that was not published yet."""
    what = f"APT index {distribution}"
    if release is None:
        return Finding(what, WARNING, "was not published yet", "Publish a first package.")
    left = ends(release) - now
    if left <= 0:
        said = f"ended {-left / 3600:.0f} hours ago: no host reads it any more"
        return Finding(
            what, WRONG, said, f"Run `{RENEW}`; check that the rule cicd.renew_index_hourly is on."
        )
    if release.get("NotAutomatic") != "yes":
        said = "lets apt install and upgrade by itself (no NotAutomatic)"
        return Finding(what, WRONG, said, f"Run `{RENEW}`.")
    if left > DAY_SECONDS * days + 1:
        said = (
            f"can be served for longer than {days} days (Valid-Until: {release.get('Valid-Until', 'none')})"
        )
        return Finding(what, WARNING, said, f"Run `{RENEW}`.")
    if left < DAY_SECONDS * days / 4:
        said = f"ends in {left / 3600:.0f} hours, and was not signed again in time"
        return Finding(what, WARNING, said, f"Run `{RENEW}`, and read why cicd.renew_index failed.")
    return Finding(what, GOOD, f"is valid for {left / DAY_SECONDS:.1f} days")
