"""Events in are events out: the gateway killed at each step, a full disk, a locked spool."""

import os
import random
import signal
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests

from gateway import forward, writer
from tests.gateway.gateways import Process, states
from tests.gateway.wire import call_back, callback, deliver, eventually, push

COMMITS = [f"{number:040x}" for number in range(1, 31)]


def body_of(commit: str, repository: str = "acme/greeter", text: str = "") -> bytes:
    return push(after=commit, repository={"name": "x", "full_name": repository, "description": text})


def is_taken(gateway, commit: str) -> bool:
    """Deliver the push of *commit* and return whether it was acknowledged."""
    try:
        answer = deliver(gateway, body_of(commit, f"acme/r{int(commit, 16) % 4}"), f"d-{commit}")
    except requests.RequestException:
        return False
    return answer.status_code == 202


@pytest.mark.parametrize("moment", ["before_answer", "after_answer"])
def test_killed_while_stackstorm_takes_an_event_nothing_is_lost(stackstorm, tmp_path, moment):
    gateway = Process(tmp_path, stackstorm.url)
    setattr(stackstorm, moment, lambda: gateway.stop(signal.SIGKILL))
    for commit in COMMITS[:3]:
        is_taken(gateway, commit)
    eventually(lambda: gateway.process.poll() is not None)
    setattr(stackstorm, moment, lambda: None)
    taken = len(states(tmp_path))

    gateway.start()
    missing = [commit for commit in COMMITS[:3] if not is_taken(gateway, commit)]
    eventually(lambda: {state for state, _ in states(tmp_path)} == {"forwarded"})
    gateway.stop()

    assert taken >= 1
    assert not missing
    assert set(stackstorm.commits) == set(COMMITS[:3])
    # What StackStorm had taken and the gateway had not noted goes twice, two at most; the pack knows it then.
    assert len(stackstorm.commits) <= 5


def test_killed_again_and_again_while_events_come_every_acknowledged_one_arrives(stackstorm, tmp_path):
    gateway, chance = Process(tmp_path, stackstorm.url), random.Random(7)
    waiting, kills = list(COMMITS), 0
    while waiting:
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda commit: (commit, is_taken(gateway, commit)), waiting)
            if kills < 3:
                pool.submit(lambda: (chance.random(), gateway.stop(signal.SIGKILL))).result()
                kills += 1
        taken = {commit for commit, was in answers if was}
        waiting = [commit for commit in waiting if commit not in taken]
        if gateway.process.poll() is not None:
            gateway.start()
    eventually(lambda: {state for state, _ in states(tmp_path)} == {"forwarded"})
    gateway.stop()

    assert set(stackstorm.commits) == set(COMMITS)
    assert len(states(tmp_path)) == len(COMMITS)
    # At most one event of each of the four repositories was under way at each kill.
    assert len(stackstorm.commits) <= len(COMMITS) + 4 * kills


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 600 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() or subprocess.run(_mount("size=600k", folder), check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _mount(options: str, folder) -> list[str]:
    return ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]


def test_a_full_disk_is_a_503_and_what_was_acknowledged_before_and_after_arrives(
    local, stackstorm, small_disk
):
    text, taken = "x" * 20_000, []
    with local.serving(spool=small_disk / "spool.sqlite"):
        codes = {commit: deliver(local, body_of(commit, text=text), commit).status_code for commit in COMMITS}
        taken += [commit for commit, code in codes.items() if code == 202]
        assert set(codes.values()) == {202, 503}

        subprocess.run(_mount("remount,size=20m", small_disk), check=True)
        again = [commit for commit in COMMITS if commit not in taken]
        assert {deliver(local, body_of(commit, text=text), commit).status_code for commit in again} == {202}
        eventually(lambda: len(stackstorm.commits) == len(COMMITS))
    assert sorted(stackstorm.commits) == COMMITS
    assert [line["decision"] for line in local.audit].count("failed") == len(again)


def test_on_a_full_disk_what_waits_goes_on_to_stackstorm_each_once(local, silent, small_disk, monkeypatch):
    monkeypatch.setattr(forward, "LONGEST_DELAY", 0.2)
    spool = small_disk / "spool.sqlite"
    with local.serving(spool=spool):
        assert {deliver(local, body_of(c), c).status_code for c in COMMITS[:5]} == {202}
    with local.serving(spool=spool):
        (small_disk / "ballast").write_bytes(b"x" * free_bytes(small_disk))
        with silent.answering():
            eventually(lambda: len(silent.commits) == 5)
            (small_disk / "ballast").unlink()
            eventually(lambda: {state for state, _ in states(small_disk)} == {"forwarded"})

    assert silent.commits == COMMITS[:5]


def free_bytes(folder) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def test_a_locked_spool_is_a_503_and_loses_nothing(gateway, stackstorm, monkeypatch):
    monkeypatch.setattr(writer, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(gateway.folder / "spool.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert deliver(gateway, push()).status_code == 503
        assert call_back(gateway, callback()).status_code == 503
        other.execute("ROLLBACK")

    assert deliver(gateway, push()).json()["decision"] == "accepted"
    assert call_back(gateway, callback()).json()["decision"] == "accepted"
    eventually(lambda: len(stackstorm.got) == 2)
    assert [line["decision"] for line in gateway.audit] == ["failed", "failed", "accepted", "accepted"]
