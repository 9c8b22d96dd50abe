"""Sensors that run as a user of their own, who must read what the actions' user reads. Needs root."""

import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cicd import config
from cicd.finding import WRONG, Finding
from cicd.setup import sensor_life
from cicd.store.store import Store
from tests.pack.test_sensors import SENSORS, VALUES, Service, sensor

NOBODY = pwd.getpwnam("nobody")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


class Keeper(Service):
    """A StackStorm that keeps what sensors remember."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, str] = {}

    def get_value(self, name: str, **_: object) -> str | None:
        return self.kept.get(name)

    def set_value(self, name: str, value: str, **_: object) -> None:
        self.kept[name] = value


@pytest.fixture
def secrets() -> Iterator[Path]:
    """A folder that everybody may enter, as /etc/cicd is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    for name in ("consul", "jenkins", "github"):
        (folder / name).write_text(f"{name}-token\n")
        (folder / name).chmod(0o600)
    yield folder
    shutil.rmtree(folder)


def share(path: Path) -> None:
    """What README says of each secret."""
    shutil.chown(path, group=NOBODY.pw_gid)
    path.chmod(0o640)


@contextmanager
def as_nobody() -> Iterator[None]:
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(NOBODY.pw_gid, NOBODY.pw_gid, 0)
    os.setresuid(NOBODY.pw_uid, NOBODY.pw_uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def configuration(consul: str, secrets: Path) -> dict:
    away = "http://127.0.0.1:9"
    return {
        **VALUES,
        "consul": {"url": consul, "token_file": str(secrets / "consul")},
        "jenkins": {"url": away, "token_file": str(secrets / "jenkins")},
        "github": {"api_url": away, "token_file": str(secrets / "github")},
    }


def found(given: dict, name: str) -> Finding:
    """Return what a checkup, which the actions' user runs, says of the sensor *name*."""
    settings = config.parse(given)
    findings = sensor_life.findings(Store(settings), settings, given, time.time())
    return next(one for one in findings if one.what == name)


@pytest.mark.parametrize("name", SENSORS)
def test_a_checkup_names_each_secret_that_the_sensors_user_cannot_read(name, monkeypatch, consul, secrets):
    service, given = Keeper(), configuration(consul, secrets)
    made = sensor(name, monkeypatch, service, given)
    what, secret = type(made).__name__, secrets / "consul"
    with as_nobody():
        made.poll()
    silent = found(given, what)

    assert silent.state == WRONG
    assert f"cannot read {secret}: give the files to a group of the sensors' user" in silent.fix
    assert any(f"{secret} cannot be read" in warning for warning in service.warnings)

    share(secret)
    with as_nobody():
        made.poll()
    half = found(given, what)

    assert half.state == WRONG
    assert half.said == f"it runs as nobody, who cannot read {secrets / 'jenkins'}, {secrets / 'github'}"

    share(secrets / "jenkins")
    share(secrets / "github")
    with as_nobody():
        made.poll()

    assert (secrets / "consul").stat().st_mode & 0o007 == 0
    assert "cannot read" not in found(given, what).line


def test_without_githubs_token_sensors_need_the_key_that_actions_ask_git_with(consul, secrets):
    given = configuration(consul, secrets)
    keys = {"private_key_file": str(secrets / "github"), "known_hosts_file": str(secrets / "jenkins")}
    settings = config.parse({**given, "github": {}, "ssh": {**VALUES["ssh"], **keys}})
    for name in ("consul", "jenkins"):
        share(secrets / name)
    with as_nobody():
        unreadable = config.unreadable_to_sensors(settings)

    assert unreadable == [str(secrets / "github")]


def test_a_certificate_authority_that_cannot_be_read_is_named_too(consul, secrets):
    given = configuration(consul, secrets)
    section = {**given["consul"], "token_file": "", "ca_file": str(secrets / "consul")}
    settings = config.parse({**given, "consul": section})
    with as_nobody():
        assert str(secrets / "consul") in config.unreadable_to_sensors(settings)

    assert config.private(settings, config.READ_FOR_CONSUL) == [str(secrets / "consul")]
