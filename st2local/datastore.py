"""Keys and values, in the scopes `system` and `user`, some of them encrypted."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from st2local import clock, object_id
from st2local.content.resources import stable_id
from st2local.database import Database, Row
from st2local.errors import NotFoundError, RefusedError
from st2local.values import Values

SYSTEM = "st2kv.system"
USER = "st2kv.user"
SYSTEM_USER = "stanley"
Changed = Callable[[str, Values], None]


def full_scope(scope: str) -> str:
    """Return `st2kv.system` or `st2kv.user`; raises RefusedError on another word."""
    full = scope if scope.startswith("st2kv.") else f"st2kv.{scope}"
    if full not in (SYSTEM, USER):
        raise RefusedError(
            f'Invalid scope: "{scope}". Valid scopes are: system, user, st2kv.system, st2kv.user'
        )
    return full


@dataclass(frozen=True)
class Key:
    """One key; `value` is ciphertext when it is encrypted."""

    scope: str
    name: str
    user: str
    value: str
    secret: bool
    encrypted: bool
    expires: str | None

    def document(self, value: str | None = None) -> Values:
        """Return the key as the API shows it, with `value` in the place of a secret's ciphertext."""
        uid = ":".join(["key_value_pair", self.scope, self.user, self.name] if self.user else
                       ["key_value_pair", self.scope, self.name])  # fmt: skip
        shown: Values = {
            "id": stable_id(uid), "uid": uid, "name": self.name, "scope": self.scope,
            "value": self.value if value is None else value,
            "secret": self.secret, "encrypted": self.encrypted,
        }  # fmt: skip
        if self.user:
            shown["user"] = self.user
        if self.expires:
            shown["expire_timestamp"] = self.expires
        return shown


class Datastore:
    """Reads and writes keys; tells *changed* what happened (event, payload), for the triggers."""

    def __init__(
        self, database: Database, key_path: Path, changed: Changed = lambda event, payload: None
    ) -> None:
        """Use `database`, and the encryption key in `key_path` (made when it is missing)."""
        self._database = database
        self._cipher = Fernet(_read_or_make(key_path))
        self._changed = changed

    def encrypt(self, value: str) -> str:
        """Return ciphertext, as upper-case hex digits."""
        return self._cipher.encrypt(value.encode()).hex().upper()

    def decrypt(self, value: str) -> str:
        """Return the text of a ciphertext; raises RefusedError when it is none of ours."""
        try:
            return self._cipher.decrypt(bytes.fromhex(value)).decode()
        except (ValueError, InvalidToken):
            raise RefusedError("the value is not encrypted with this server's key") from None

    def find(self, name: str, scope: str = SYSTEM, user: str = "") -> Key | None:
        """Return a key, or None when it does not exist or has expired."""
        row = self._database.row(
            "SELECT * FROM keys WHERE scope = ? AND user = ? AND name = ?"
            " AND (expires IS NULL OR expires > ?)",
            [scope, user if scope == USER else "", name, clock.now()],
        )
        return None if row is None else _key(row)

    def get(self, name: str, scope: str = SYSTEM, user: str = "") -> Key:
        """Return a key; raises NotFoundError."""
        found = self.find(name, scope, user)
        if found is None:
            raise NotFoundError(f"KeyValuePair with name: {name} and scope: {scope} not found in db.")
        return found

    def read(self, name: str, user: str, decrypt: bool) -> str | None:
        """Return the value of `system.x`, `user.x` or `x`; None when there is no such key."""
        scope, _, rest = name.partition(".")
        if scope not in ("system", "user") or not rest:
            scope, rest = "system", name
        key = self.find(rest, full_scope(scope), user)
        if key is None:
            return None
        return self.decrypt(key.value) if decrypt else key.value

    def plain(self, key: Key) -> str:
        """Return a key's value, decrypted when need be."""
        return self.decrypt(key.value) if key.encrypted else key.value

    def list(self, scope: str | None = None, user: str = "", prefix: str = "") -> list[Key]:
        """Return keys by name: of one scope, or (None) the system's and those of `user`."""
        rows = self._database.rows(
            "SELECT * FROM keys WHERE (expires IS NULL OR expires > ?) AND (scope = ? OR user = ?)"
            " AND (? IS NULL OR scope = ?) AND substr(name, 1, ?) = ? ORDER BY scope, name",
            [clock.now(), SYSTEM, user, scope, scope, len(prefix), prefix],
        )
        return [_key(row) for row in rows]

    def set(
        self, name: str, value: str, scope: str = SYSTEM, user: str = "", secret: bool = False,
        ttl: float | None = None, encrypted: bool = False,
    ) -> Key:  # fmt: skip
        """Write a key; `secret` encrypts it, `encrypted` says that `value` is ciphertext already."""
        if encrypted:
            self.decrypt(value)
        stored = self.encrypt(value) if secret and not encrypted else value
        owner = user if scope == USER else ""
        hidden = secret or encrypted
        key = Key(scope, name, owner, stored, hidden, hidden, clock.later(ttl) if ttl else None)
        before = self.find(name, scope, user)
        with self._database.transaction():
            self._database.insert("keys", {**key.__dict__, "secret": int(hidden), "encrypted": int(hidden)})
            self._tell(before, key)
        return key

    def _tell(self, before: Key | None, key: Key) -> None:
        self._changed("update" if before else "create", {"object": key.document()})
        if before is not None and before.value != key.value:
            self._changed("value_change", {"old_object": before.document(), "new_object": key.document()})

    def delete(self, name: str, scope: str = SYSTEM, user: str = "") -> None:
        """Delete a key; raises NotFoundError."""
        key = self.get(name, scope, user)
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM keys WHERE scope = ? AND user = ? AND name = ?", [scope, key.user, name]
            )
            self._changed("delete", {"object": key.document()})


def _key(row: Row) -> Key:
    return Key(**{**dict(row), "secret": bool(row["secret"]), "encrypted": bool(row["encrypted"])})


def _read_or_make(path: Path) -> bytes:
    if not path.exists():
        fresh = path.with_suffix(f".{object_id.new()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
        fresh.rename(path)
    return path.read_bytes()
