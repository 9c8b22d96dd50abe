"""Who may ask: passwords in every form, tokens that end, keys that are kept as hashes."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from st2local import clock
from st2local.auth import Auth
from st2local.database import Database
from st2local.errors import AuthError, NotFoundError


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "db")
    yield database
    database.close()


@pytest.fixture
def auth(database: Database, tmp_path: Path) -> Auth:
    digest = base64.b64encode(hashlib.sha1(b"word", usedforsecurity=False).digest()).decode()
    hashed = bcrypt.hashpw(b"word", bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
    file = tmp_path / "passwords"
    file.write_text(f"# users\nplain:word\nsha:{{SHA}}{digest}\nbcrypt:{hashed}\nempty:\n")
    file.chmod(0o600)
    return Auth(database, file)


@pytest.mark.parametrize("user", ["plain", "sha", "bcrypt"])
def test_a_password_is_checked_in_every_form(auth: Auth, user: str) -> None:
    token = auth.login(user, "word")["token"]
    assert auth.token_user(token)[0] == user
    with pytest.raises(AuthError):
        auth.login(user, "wrong")


@pytest.mark.parametrize("user", ["nobody", "empty", ""])
def test_who_has_no_password_is_refused(auth: Auth, user: str) -> None:
    with pytest.raises(AuthError):
        auth.login(user, "")


def test_a_token_ends(auth: Auth) -> None:
    token = auth.issue("plain", 0.05)["token"]
    time.sleep(0.1)
    with pytest.raises(AuthError, match="expired"):
        auth.token_user(token)


def test_a_revoked_token_is_worthless(auth: Auth) -> None:
    token = auth.issue("plain", 60)["token"]
    auth.revoke(token)
    with pytest.raises(AuthError, match="Invalid token"):
        auth.token_user(token)


def test_an_api_key_is_never_stored_itself(auth: Auth, database: Database) -> None:
    key = auth.create_key("plain", {"for": "tests"})["key"]
    assert auth.key_user(key) == "plain"
    assert key not in str([tuple(row) for row in database.rows("SELECT * FROM api_keys")])


def test_a_deleted_api_key_is_gone(auth: Auth) -> None:
    made = auth.create_key("plain", {})
    auth.delete_key(made["id"])
    with pytest.raises(AuthError):
        auth.key_user(made["key"])
    with pytest.raises(NotFoundError):
        auth.get_key(made["id"])


def test_tokens_of_actions_do_not_survive_a_restart(auth: Auth, database: Database) -> None:
    of_user, of_action = auth.issue("plain", 60)["token"], auth.issue("plain", 60, service=True)["token"]
    again = Auth(database, None)
    assert again.token_user(of_user)[0] == "plain"
    with pytest.raises(AuthError):
        again.token_user(of_action)


def test_a_token_is_never_stored_itself(auth: Auth, database: Database) -> None:
    token = auth.login("plain", "word")["token"]

    assert token not in str([tuple(row) for row in database.rows("SELECT * FROM tokens")])


def test_a_token_that_a_former_version_stored_itself_is_forgotten(auth: Auth, database: Database) -> None:
    old = {"token": "a" * 32, "user": "plain", "expiry": clock.later(60), "service": 0}
    database.insert("tokens", old)
    Auth(database, None)

    assert database.rows("SELECT * FROM tokens") == []


def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "db").touch(mode=0o644)
    database = Database(tmp_path / "db")
    database.insert("enabled", {"uid": "x", "enabled": 1})
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.close()

    assert modes == {"db": 0o600, "db-wal": 0o600, "db-shm": 0o600}


def test_after_five_wrong_passwords_even_the_right_one_waits(auth: Auth) -> None:
    for _ in range(5):
        with pytest.raises(AuthError, match="Invalid"):
            auth.login("plain", "wrong")
    with pytest.raises(AuthError, match=r"Too many wrong passwords for plain; wait \d+ s\."):
        auth.login("plain", "word")
    assert auth.login("sha", "word")


def test_a_right_password_makes_up_for_wrong_ones(auth: Auth) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(AuthError):
                auth.login("plain", "wrong")
        assert auth.login("plain", "word")
