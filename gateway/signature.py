"""Who may send: GitHub's signature over the raw bytes, and shared tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence


def is_signed(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Return whether *header* (`sha256=<hex>`) is the HMAC-SHA256 of *body* under one of *secrets*."""
    given = (header or "").encode("utf-8", "replace")
    expected = [b"sha256=" + hmac.digest(s, body, hashlib.sha256).hex().encode() for s in secrets]
    # Every secret is compared, so that the time tells nothing about which one fits.
    return any([hmac.compare_digest(given, each) for each in expected])


def token_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """
    Return the token that a request shows, empty when it shows none.

    It is the header X-Cicd-Token, a bearer's token, the password of basic authentication, or `token` of the
    *query*, for systems that can send nothing else.
    """
    kind, _, rest = headers.get("Authorization", "").partition(" ")
    shown = {"bearer": rest.strip, "basic": lambda: _password(rest)}.get(kind.lower(), str)()
    return headers.get("X-Cicd-Token") or shown or query.get("token", "")


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def is_token(given: str, token: str) -> bool:
    """Return whether *given* is *token*, compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
