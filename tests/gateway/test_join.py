"""A machine joins through a real gateway and a real Consul: once, sealed, and believed by its signature."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cicd.provisioning import join_token
from cicd.provisioning.join_token import JoinToken
from cicd.provisioning.on_machine import join as machine
from cicd.provisioning.registry import Registry
from gateway.config import Consul
from tests.gateway.gateways import Local
from tests.lib.store.test_store import settings

NAME, KEY = (
    "shop-canary-1a2b3c4d",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2HNUFjtGEzGp0m7kYpFl3YUNoNDSVsTVNxlIwVS5V4",
)
ADDRESS = "192.0.2.7"
SECRET = "the gossip key, and more: Grüße"


class Site:
    """A pack's registry, and the gateway in front of it."""

    def __init__(self, gateway: Local, consul: str) -> None:
        self.gateway, self.consul, self.registry = gateway, consul, Registry(settings(consul))
        self.token = join_token.new()

    def open(self, seconds: float = 60) -> None:
        self.registry.begin(NAME, {"state": "ordered"})
        self.registry.open_join(NAME, self.token, SECRET, seconds)

    def join(self, token: JoinToken | None = None, **changes: object) -> requests.Response:
        one = token or self.token
        said = join_token.signed([KEY], ADDRESS)
        signature = machine.mac(one.host_key_check, said).hex()
        body = {"id": one.identifier, "host_keys": [KEY], "address": ADDRESS, "signature": signature}
        return requests.post(f"{self.gateway.url}/join", json={**body, **changes}, timeout=20)


@pytest.fixture
def site(local: Local, consul: str) -> Iterator[Site]:
    requests.delete(f"{consul}/v1/kv/cicd/?recurse", timeout=10).raise_for_status()
    with local.serving(consul=Consul(f"{consul}/")):
        yield Site(local, consul)


def sealed(answer: requests.Response) -> bytes:
    return machine.base64.b64decode(answer.json()["sealed"])


def test_a_machine_gets_what_is_sealed_for_it_once(site):
    site.open()

    answer, again = site.join(), site.join()

    assert (answer.status_code, again.status_code) == (200, 403)
    assert _opened(site.token, sealed(answer)) == SECRET
    assert site.gateway.audit[-1]["reason"] == "the token is not known, too old, or was used"


def test_of_many_at_once_one_gets_it(site):
    site.open()

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: site.join().status_code, range(8)))

    assert sorted(codes) == [200, *[403] * 7]


def test_what_it_says_of_itself_is_believed_by_its_signature(site):
    site.open()
    known = site.registry.find(NAME)

    assert site.registry.joined(known) is None
    site.join()
    assert site.registry.joined(known)["host_keys"] == [KEY]


@pytest.mark.parametrize(
    "changes", [{"address": "192.0.2.8"}, {"host_keys": [KEY, KEY]}, {"signature": "0" * 64}]
)
def test_what_somebody_else_says_of_it_is_not(site, changes):
    site.open()
    site.join(**changes)

    assert site.registry.joined(site.registry.find(NAME)) is None


def test_a_token_that_is_unknown_or_too_old_is_good_for_nothing(site):
    site.open(seconds=-1)

    assert site.join().status_code == 403
    assert site.join(join_token.new()).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../release"},
        {"id": None},
        {"address": "192.0.2.7\nroot"},
        {"address": f"fe80::7%\n* {KEY}"},
        {"host_keys": []},
        {"host_keys": ["ssh-ed25519 {{ 1 }}"]},
        {"host_keys": [f"{KEY}\n* {KEY}"]},
        {"signature": "x"},
    ],
)
def test_what_no_machine_says_is_refused(site, changes):
    site.open()

    assert site.join(**changes).status_code == 400
    assert site.join().status_code == 200, "and costs the machine nothing"


def test_consul_knows_neither_the_token_nor_what_it_is_good_for(site):
    site.open()
    kept = requests.get(f"{site.consul}/v1/kv/cicd/?recurse", timeout=10).json()
    text = b"".join(machine.base64.b64decode(one["Value"]) for one in kept)

    assert site.token.secret.encode() not in text
    assert b"gossip" not in text
    site.join()
    left = requests.get(f"{site.consul}/v1/kv/cicd/.joins/?recurse", timeout=10).json()
    assert b"sealed" not in machine.base64.b64decode(left[0]["Value"])


def test_a_changed_answer_is_not_taken(site):
    site.open()
    answer = bytearray(sealed(site.join()))
    answer[-1] ^= 1

    with pytest.raises(ValueError, match="not from this machine's site"):
        machine.opened(site.token.secret, bytes(answer))


def test_while_consul_is_away_it_is_to_try_again(local):
    with local.serving(consul=Consul("http://127.0.0.1:1/")):
        assert Site(local, "http://127.0.0.1:1").join().status_code == 503


def test_without_consul_nobody_joins(gateway):
    assert requests.post(f"{gateway.url}/join", json={}, timeout=20).status_code == 404


def test_what_went_wrong_is_kept(site):
    site.open()
    body = {"id": site.token.identifier, "said": "E: Unable to locate\x1b[1m package"}
    told = requests.post(f"{site.gateway.url}/join/failed", json=body, timeout=20)

    assert told.status_code == 202
    assert site.registry.failure(site.registry.find(NAME)) == "E: Unable to locate [1m package"


def test_what_is_forgotten_leaves_nothing(site):
    site.open()
    site.registry.forget(NAME)

    assert requests.get(f"{site.consul}/v1/kv/cicd/?keys", timeout=10).status_code == 404


def test_the_program_on_the_machine_becomes_what_it_fetched(site, tmp_path):
    """The real program, in a folder of its own; packages and units are what the lab tries."""
    bundle = {"files": [], "packages": [], "units": []}
    for path, text in {"/etc/cicd/a.conf": "on @NAME@ at @ADDRESS@\n", "/etc/consul.d/b.json": "{}"}.items():
        bundle["files"].append(
            {"path": path, "text": text, "mode": "0640", "owner": "", "group": "nobody-has-it"}
        )
    site.registry.begin(NAME, {"state": "ordered"})
    site.registry.open_join(NAME, site.token, json.dumps(bundle), 60)
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/ssh/ssh_host_ed25519_key.pub").write_text(f"{KEY} root@somewhere\n")
    given = {"url": site.gateway.url, "token": site.token.secret, "ca": "", "name": NAME}
    (tmp_path / "join.json").write_text(json.dumps(given))

    done = _joined(tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc/cicd/a.conf").read_text() == f"on {NAME} at 127.0.0.1\n"
    assert (tmp_path / "etc/cicd/a.conf").stat().st_mode & 0o777 == 0o640
    assert not (tmp_path / "join.json").exists()
    joined = site.registry.joined(site.registry.find(NAME))
    assert (joined["address"], joined["host_keys"]) == ("127.0.0.1", [KEY])


def _joined(folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "systemctl").write_text("#!/bin/sh\n")
    (folder / "systemctl").chmod(0o755)
    environment = {**os.environ, "CICD_ROOT": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"}
    argv = [sys.executable, machine.__file__, str(folder / "join.json")]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def _opened(token: JoinToken, hidden: bytes) -> str:
    """As the machine opens it; there the text is JSON."""
    argv = ["openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2", "-md", "sha256", "-pass", "env:CICD_SEAL"]
    environment = {**os.environ, "CICD_SEAL": machine.derived(token.secret, "bundle")}
    return subprocess.run(
        argv, input=hidden[32:], env=environment, capture_output=True, check=True
    ).stdout.decode()
