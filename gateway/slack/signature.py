"""Whether Slack has sent a request, lately: its signature over the raw bytes and their time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

PATIENCE_SECONDS = 300
LONGEST_DIGITS = 12


def problem(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> str:
    """Return why a request is not to be trusted *now* (epoch seconds); empty when it is."""
    given, at = headers.get("X-Slack-Signature", ""), headers.get("X-Slack-Request-Timestamp", "")
    if not (at.isascii() and at.isdigit() and len(at) <= LONGEST_DIGITS):
        return "it has no time"
    if not hmac.compare_digest(given.encode("utf-8", "replace"), signed(at, body, secret).encode()):
        return "the signature does not fit"
    if abs(now - int(at)) > PATIENCE_SECONDS:
        return "it is older than 5 minutes, or of the future"
    return ""


def signed(at: str, body: bytes, secret: bytes) -> str:
    """Return the signature of *body*, which was sent *at* that epoch second, as Slack makes it."""
    return "v0=" + hmac.digest(secret, b"v0:%b:%b" % (at.encode(), body), hashlib.sha256).hex()
