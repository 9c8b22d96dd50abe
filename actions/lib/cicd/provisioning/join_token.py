"""The token with which one machine joins, which nobody else is shown, and what follows from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from typing import Mapping, Sequence

TOKEN_BYTES = 32
# As `openssl enc -aes-256-cbc -pbkdf2` writes and reads it: every Debian image with cloud-init has openssl.
SALTED, SALT_BYTES, ROUNDS, KEY_BYTES, BLOCK_BYTES = b"Salted__", 8, 10_000, 32, 16


@dataclass(frozen=True)
class JoinToken:
    """
    `secret` is in the machine's user-data alone.

    Each of the others is a one-way function of it, so that who has one has no other.
    """

    secret: str = field(repr=False)

    @property
    def identifier(self) -> str:
        """What the machine shows at the gateway, and where Consul keeps what it gets for it."""
        return self._derived("identifier")

    @property
    def host_key_check(self) -> str:
        """The key by which the machine signs its SSH host keys, and the pack believes them."""
        return self._derived("host keys")

    def sealed(self, text: str) -> str:
        """Return *text* so that only who has the token reads it, or could have written it; in base64."""
        salt = os.urandom(SALT_BYTES)
        hidden = SALTED + salt + _encrypted(text.encode(), self._derived("bundle"), salt)
        return base64.b64encode(_mac(self._derived("bundle's author"), hidden) + hidden).decode()

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def new() -> JoinToken:
    """Return a token that nobody has."""
    return JoinToken(secrets.token_urlsafe(TOKEN_BYTES))


def is_signed(check: str, host_keys: Sequence[str], address: str, signature: str) -> bool:
    """Whether the machine itself said *host_keys* and *address*, by its token's *check*."""
    return hmac.compare_digest(_mac(check, signed(host_keys, address)).hex(), signature)


def signed(host_keys: Sequence[str], address: str) -> bytes:
    """Return what a machine signs."""
    said: Mapping[str, object] = {"address": address, "host_keys": list(host_keys)}
    return json.dumps(said, sort_keys=True).encode()


def _mac(key: str, data: bytes) -> bytes:
    return hmac.new(key.encode(), data, hashlib.sha256).digest()


def _encrypted(plain: bytes, password: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS, KEY_BYTES + BLOCK_BYTES)
    padder = PKCS7(8 * BLOCK_BYTES).padder()
    writer = Cipher(algorithms.AES(made[:KEY_BYTES]), modes.CBC(made[KEY_BYTES:])).encryptor()
    return bytes(writer.update(padder.update(plain) + padder.finalize()) + writer.finalize())
