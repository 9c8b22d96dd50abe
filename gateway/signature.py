"""Who may send: GitHub's signature over the raw bytes, and shared tokens."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence


def is_signed(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Return whether *header* (`sha256=<hex>`) is the HMAC-SHA256 of *body* under one of *secrets*."""
    given = (header or "").encode("utf-8", "replace")
    expected = [b"sha256=" + hmac.digest(s, body, hashlib.sha256).hex().encode() for s in secrets]
    # Every secret is compared, so that the time tells nothing about which one fits.
    return any([hmac.compare_digest(given, each) for each in expected])


def is_token(given: str | None, token: str) -> bool:
    """Return whether *given* is *token*, compared in constant time."""
    return hmac.compare_digest((given or "").encode("utf-8", "replace"), token.encode())
