"""Who may ask: users of a password file, the tokens they get, and API keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt

from st2local import clock, object_id
from st2local.attempts import Attempts
from st2local.database import Database, Row, dumps, loads
from st2local.errors import AuthError, NotFoundError, RefusedError
from st2local.values import Values

LOG = logging.getLogger(__name__)
TOKEN_SECONDS = 24 * 3600


class Auth:
    """Checks passwords, tokens and API keys; without a password file everybody is the system user."""

    def __init__(self, database: Database, password_file: Path | None) -> None:
        """Read the password file; raises RefusedError when it is missing or anybody may read it."""
        self._database = database
        self._passwords = _read(password_file) if password_file else {}
        self.enabled = password_file is not None
        # A former version kept tokens as they are; whoever had one logs in anew.
        dead = "service = 1 OR expiry < ? OR length(token) < ?"
        database.execute(f"DELETE FROM tokens WHERE {dead}", [clock.now(), len(_hash(""))])
        self._attempts = Attempts()

    def login(self, user: str, password: str, ttl: float | None = None) -> Values:
        """Return a new token; raises AuthError, at once for a while after too many wrong passwords."""
        known = self._passwords.get(user, "")
        if self.enabled:
            self._attempts.refuse(user)
            if not known or not _fits(password, known):
                self._attempts.failed(user)
                raise AuthError("Invalid or missing credentials")
            self._attempts.succeeded(user)
        seconds = min(ttl or TOKEN_SECONDS, TOKEN_SECONDS)
        return self.issue(user, seconds)

    def issue(self, user: str, seconds: float, service: bool = False) -> Values:
        """Make a token for a user."""
        token, expiry = secrets.token_hex(16), clock.later(seconds)
        self._database.insert(
            "tokens", {"token": _hash(token), "user": user, "expiry": expiry, "service": int(service)}
        )
        return {
            "id": token[:24],
            "user": user,
            "token": token,
            "expiry": expiry,
            "metadata": {},
            "service": service,
        }

    @contextmanager
    def lend(self, user: str, seconds: float = TOKEN_SECONDS) -> Iterator[str]:
        """A token of an action or a sensor, worthless afterwards."""
        token = self.issue(user, seconds, service=True)["token"]
        try:
            yield token
        finally:
            self.revoke(token)

    def revoke(self, token: str) -> None:
        """Make a token worthless."""
        self._database.execute("DELETE FROM tokens WHERE token = ?", [_hash(token)])

    def token_user(self, token: str) -> tuple[str, str]:
        """Return (user, expiry) of a token; raises AuthError."""
        row = self._database.row("SELECT * FROM tokens WHERE token = ?", [_hash(token)])
        if row is None:
            raise AuthError(
                "Unauthorized - One of Token or API key required."
                if not token
                else "Unauthorized - Invalid token."
            )
        if row["expiry"] < clock.now():
            raise AuthError("Unauthorized - Token has expired.")
        return row["user"], row["expiry"]

    def key_user(self, key: str) -> str:
        """Return the user of an API key; raises AuthError."""
        row = self._database.row("SELECT * FROM api_keys WHERE hash = ?", [_hash(key)])
        if row is None:
            raise AuthError("Unauthorized - Invalid api key.")
        if not row["enabled"]:
            raise AuthError("Unauthorized - API key is disabled.")
        user: str = row["user"]
        return user

    def create_key(self, user: str, metadata: Values, enabled: bool = True) -> Values:
        """Make an API key; the only time that its text is shown."""
        key, identifier = secrets.token_urlsafe(48), object_id.new()
        row = {
            "id": identifier, "hash": _hash(key), "user": user, "metadata": dumps(metadata),
            "enabled": int(enabled), "created_at": clock.now(),
        }  # fmt: skip
        self._database.insert("api_keys", row)
        return {**self.get_key(identifier), "key": key}

    def keys_of(self, user: str) -> list[Values]:
        """Return the API keys of *user*, without their texts."""
        query = "SELECT * FROM api_keys WHERE user = ? ORDER BY created_at"
        return [_document(row) for row in self._database.rows(query, [user])]

    def get_key(self, identifier: str) -> Values:
        """Return an API key by its id or text; raises NotFoundError."""
        row = self._database.row(
            "SELECT * FROM api_keys WHERE id = ? OR hash = ?", [identifier, _hash(identifier)]
        )
        if row is None:
            raise NotFoundError(f'ApiKey with key_or_id="{identifier}" not found')
        return _document(row)

    def set_key(self, identifier: str, enabled: bool, metadata: Values | None = None) -> Values:
        """Change an API key."""
        found = self.get_key(identifier)
        kept = found["metadata"] if metadata is None else metadata
        self._database.execute(
            "UPDATE api_keys SET enabled = ?, metadata = ? WHERE id = ?",
            [int(enabled), dumps(kept), found["id"]],
        )
        return self.get_key(found["id"])

    def delete_key(self, identifier: str) -> None:
        """Delete an API key; raises NotFoundError."""
        self._database.execute("DELETE FROM api_keys WHERE id = ?", [self.get_key(identifier)["id"]])


def _document(row: Row) -> Values:
    return {
        "id": row["id"],
        "uid": f"api_key:{row['id']}",
        "user": row["user"],
        "metadata": loads(row["metadata"]),
        "enabled": bool(row["enabled"]),
        "created_at": row["created_at"],
        "key_hash": "********",
    }


def _hash(key: str) -> str:
    return hashlib.sha512(key.encode()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise RefusedError(
            f"the password file {path} does not exist; give it lines of the form user:password"
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise RefusedError(f"the password file {path} can be read by others; run: chmod 600 {path}")
    lines = [line.strip() for line in path.read_text().splitlines()]
    pairs = [line.split(":", 1) for line in lines if ":" in line and not line.startswith("#")]
    return {user.strip(): password for user, password in pairs}


def _fits(password: str, known: str) -> bool:
    if known.startswith("{SHA}"):
        digest = base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
        return hmac.compare_digest(f"{{SHA}}{digest}", known)
    if known.startswith(("$2y$", "$2a$", "$2b$")):
        return bool(bcrypt.checkpw(password.encode(), known.encode().replace(b"$2y$", b"$2b$")))
    return hmac.compare_digest(password.encode(), known.encode())
