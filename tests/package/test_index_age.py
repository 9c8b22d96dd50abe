"""An index moves nothing by itself and ends: with real aptly, Freight where it is, gpg and apt clients."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from cicd.finding import GOOD, WARNING, WRONG
from cicd.repository import index_age
from tests.package.publishing import Client, RepositoryHost, deb, run

VERSION = "1.0-1.abcdef0"
NEWER = "1.0-2.abcdef1"


def published(host: RepositoryHost, tmp_path: Path, version: str = VERSION) -> None:
    done = host.publish(deb(tmp_path, "app", version))
    assert done.returncode == 0, done.stderr


def signed_alike(host: RepositoryHost) -> bool:
    """Whether Release is what was signed, beside it and in InRelease, which has no spaces at lines' ends."""
    place = host.public / "dists/bookworm"
    detached = run("gpg", "--verify", "Release.gpg", "Release", cwd=place, env=host.environment)
    text = run("gpg", "-o", "-", "--decrypt", "InRelease", cwd=place, env=host.environment).stdout
    lines = [line.rstrip() for line in (place / "Release").read_text().splitlines()]
    return detached.returncode == 0 and [line.rstrip() for line in text.splitlines()] == lines


def test_apt_by_itself_neither_installs_nor_upgrades_what_is_published(host, client, tmp_path):
    published(host, tmp_path)
    published(host, tmp_path, NEWER)
    installed = f"Package: app\nStatus: install ok installed\nVersion: {VERSION}\nArchitecture: all\n"
    (tmp_path / "client/var/lib/dpkg/status").write_text(f"{installed}Maintainer: a\nDescription: b\n\n")

    assert client.update() == ""
    assert client.apt("-s", "upgrade").stdout.count("Inst ") == 0
    assert client.apt("-s", "dist-upgrade").stdout.count("Inst ") == 0
    assert f"Inst app [{VERSION}] ({NEWER}" in client.apt("-s", "install", f"app={NEWER}").stdout
    assert "ButAutomaticUpgrades" not in host.release()
    assert signed_alike(host)


def test_an_index_that_has_ended_is_refused_until_it_is_signed_anew(host, client, tmp_path):
    host.days = -1
    published(host, tmp_path)
    refused = client.update()
    host.days = 7
    renewed = host.renew()

    assert "is expired" in refused or "is not valid" in refused
    assert renewed.returncode == 0, renewed.stderr
    assert client.update() == ""
    assert client.can_install("app", VERSION)
    assert signed_alike(host)
    assert not index_age.is_due(host.release(), 7, time.time())


def test_pruning_waits_for_the_second_of_the_last_index_to_end(host, client, tmp_path):
    for version in (VERSION, NEWER):
        published(host, tmp_path, version)
    time.sleep(1 - time.time() % 1)
    published(host, tmp_path, "1.0-3.abcdef2")
    assert client.update() == ""
    index = host.public / "dists/bookworm/InRelease"
    before = int(index.stat().st_mtime)
    assert host.prune(f"app={VERSION}").returncode == 0

    assert int(index.stat().st_mtime) > before
    assert client.update() == ""
    assert not client.can_install("app", VERSION)
    assert host.release()["NotAutomatic"] == "yes"
    assert signed_alike(host)


def test_after_a_change_of_keys_what_can_be_installed_has_provenance_by_the_new_one(host, tmp_path):
    published(host, tmp_path)
    host.make_key("new@example.com")
    host.keys = "new@example.com"
    host.configure()
    assert host.renew().returncode == 0
    papers = host.public / "provenance/app" / VERSION
    exported = host.export("new@example.com", tmp_path / "new.asc").read_bytes()
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(subprocess.check_output(["gpg", "--dearmor"], input=exported))
    client = Client(tmp_path / "new", host, tmp_path / "new.asc")

    signed = [str(papers / "provenance.json.asc"), str(papers / "provenance.json")]
    assert run("gpgv", "--keyring", str(keyring), *signed).returncode == 0
    assert client.update() == ""


def test_the_provenance_of_a_publish_that_was_given_up_is_replaced_by_that_of_the_next(host, tmp_path):
    folder = host.public / "provenance/app" / VERSION
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text('{"subject": []}')
    built = deb(tmp_path, "app", VERSION)
    assert host.publish(built).returncode == 0
    (subject,) = json.loads((folder / "provenance.json").read_text())["subject"]

    assert subject["name"] == built.name
    assert (folder / "provenance.json.asc").exists()


def release(hours: float, **more: str) -> dict[str, str]:
    until = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(1e9 + 3600 * hours))
    return {"NotAutomatic": "yes", "Valid-Until": until, **more}


@pytest.mark.parametrize(
    ("found", "due", "state", "said"),
    [
        (release(160), False, GOOD, "is valid for 6.7 days"),
        (release(80), True, GOOD, "is valid for 3.3 days"),
        (release(20), True, WARNING, "ends in 20 hours"),
        (release(-3), True, WRONG, "ended 3 hours ago"),
        (release(160, NotAutomatic="no"), True, WRONG, "lets apt install and upgrade by itself"),
        ({"NotAutomatic": "yes"}, True, WARNING, "longer than 7 days"),
        (release(90000), True, WARNING, "longer than 7 days"),
    ],
)
def test_the_age_of_an_index_decides_when_it_is_renewed_and_what_is_said_of_it(found, due, state, said):
    told = index_age.finding("bookworm", found, 7, 1e9)

    assert index_age.is_due(found, 7, 1e9) == due
    assert (told.state, said in told.said) == (state, True)
    assert state == GOOD or "st2 run cicd.renew_index" in told.fix
