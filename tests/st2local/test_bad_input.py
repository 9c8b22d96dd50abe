"""Whatever is thrown at it, the server answers as StackStorm does, stays up, and its memory stays bounded."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conformance import processes
from tests.conformance.local import ROOT, Local
from tests.conformance.rest import Rest

Running = tuple[Local, Rest]
MIB = 2**20


def test_an_action_that_prints_fifty_megabytes_is_cut_and_memory_stays_bounded(running: Running) -> None:
    local, rest = running
    before = local.memory()
    found = rest.run("probe.echo", {"how": "flood", "count": 50})
    assert found["status"] == "succeeded"
    assert found["result"]["result"] == "flooded"
    assert len(found["result"]["stdout"]) < 5 * MIB
    assert "more bytes were not kept" in found["result"]["stdout"]
    assert local.memory() - before < 120 * MIB


def test_a_body_of_twenty_megabytes_is_refused_and_memory_stays_bounded(running: Running) -> None:
    local, rest = running
    before = local.memory()
    answer = rest.ask("POST", "/webhooks/probe/hook", {"word": "x" * 20 * MIB})
    assert answer.status_code == 413
    assert "larger than" in answer.json()["faultstring"]
    assert rest.get("/user")["username"] == "st2admin"
    assert local.memory() - before < 60 * MIB


def test_deep_nesting_is_refused(running: Running) -> None:
    answer = running[1].ask(
        "POST", "/webhooks/probe/hook", content=b"[" * 100_000, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert "Failed to parse request body" in answer.json()["faultstring"]


def test_text_that_is_no_utf8_is_refused(running: Running) -> None:
    answer = running[1].ask(
        "POST", "/webhooks/probe/hook", content=b'{"a": "\xff"}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("token", ["", "wrong", "0" * 32, "' OR 1=1 --"])
def test_a_wrong_token_is_refused(running: Running, token: str) -> None:
    answer = running[1].ask("GET", "/executions", headers={"X-Auth-Token": token})
    assert answer.status_code == 401
    assert "Unauthorized" in answer.json()["faultstring"]


def test_a_wrong_token_is_refused_by_the_stream(running: Running) -> None:
    local, _ = running
    answer = httpx.get(f"http://127.0.0.1:{local.stream_port}/v1/stream", trust_env=False)
    assert answer.status_code == 401


def test_hostile_names_are_only_not_found(running: Running) -> None:
    for path in (
        "/keys/..%2F..%2Fetc%2Fpasswd",
        "/packs/views/file/probe/../../../../etc/passwd",
        "/actions/%00",
    ):
        assert running[1].ask("GET", path).status_code == 404, path


def test_a_method_that_is_not_there_is_refused(running: Running) -> None:
    answer = running[1].ask("PATCH", "/executions")
    assert answer.status_code == 405
    assert "faultstring" in answer.json()


def test_neither_config_nor_parameters_nor_token_stand_in_an_actions_command_line(running: Running) -> None:
    local, rest = running
    assert local.process
    rest.start("probe.echo", {"how": "sleep", "value": "20", "secret": "unseen"})
    deadline = time.monotonic() + 15
    while not processes.of_actions(local.process.pid):
        assert time.monotonic() < deadline
    lines = [processes.command_line(pid) for pid in processes.every()]
    assert not any("unseen" in line or "s3cret" in line for line in lines)


def test_secrets_are_not_logged(running: Running) -> None:
    local, rest = running
    rest.run("probe.echo", {"secret": "never-logged", "value": "x"})
    rest.ask("PUT", "/keys/hidden", {"name": "hidden", "value": "never-logged-either", "secret": True})
    assert "never-logged" not in local.log
    assert "s3cret" not in local.log


def _pack(directory: Path, files: dict[str, str]) -> Path:
    pack = directory / "pack"
    base = {"pack.yaml": "ref: odd\nname: odd\ndescription: Odd.\nversion: 0.1.0\nauthor: test\n"}
    for name, text in {**base, **files}.items():
        path = pack / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return pack


SENSOR = """from st2reactor.sensor.base import PollingSensor


class Odd(PollingSensor):
    def setup(self): pass
    def poll(self): raise ValueError("sensors raise")
    def cleanup(self): pass
    def add_trigger(self, trigger): pass
    def update_trigger(self, trigger): pass
    def remove_trigger(self, trigger): pass
"""


def test_a_sensor_that_raises_is_started_again_and_the_server_stays_up(tmp_path: Path) -> None:
    metadata = "class_name: Odd\nentry_point: odd.py\npoll_interval: 1\n"
    pack = _pack(tmp_path, {"sensors/odd.yaml": metadata, "sensors/odd.py": SENSOR})
    local = Local(tmp_path / "server", packs=[pack])
    rest = local.start()
    local.wait_for_log("sensor odd.Odd ended with exit code 1 and is started again")
    assert "ValueError: sensors raise" in local.log
    assert rest.run("core.noop")["status"] == "succeeded"
    told = rest.get("/triggerinstances?trigger=core.st2.sensor.process_exit")
    assert told[0]["payload"]["object"]["exit_code"] == 1
    local.stop()


def test_what_is_wrong_in_a_pack_is_said_and_the_rest_works(tmp_path: Path) -> None:
    good = "name: good\ndescription: Good.\nrunner_type: noop\nenabled: true\n"
    bad = {
        "actions/good.yaml": good,
        "actions/bad.yaml": "name: [\n",
        "actions/runner.yaml": "name: runner\nrunner_type: nothing\nenabled: true\n",
    }
    local = Local(tmp_path / "server", packs=[_pack(tmp_path, bad)])
    rest = local.start()
    assert "bad.yaml:2: not readable as YAML" in local.log
    assert rest.run("odd.good")["status"] == "succeeded"
    answer = rest.ask("POST", "/executions", {"action": "odd.runner"})
    assert answer.status_code == 404
    assert 'Runner type "nothing"' in answer.json()["faultstring"]
    local.stop()


def _refused(local: Local) -> str:
    assert local.process is None
    with pytest.raises(AssertionError, match="error: ") as raised:
        local.start()
    local.wait_for_death()
    return str(raised.value)


def _no_password_file(local: Local) -> None:
    (local.directory / "passwords").unlink()


def _open_password_file(local: Local) -> None:
    (local.directory / "passwords").chmod(stat.S_IRUSR | stat.S_IROTH)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [(_no_password_file, "does not exist"), (_open_password_file, "can be read by others")],
)
def test_a_bad_password_file_is_refused_with_a_sentence(
    tmp_path: Path, spoil: Callable[[Local], None], sentence: str
) -> None:
    local = Local(tmp_path)
    spoil(local)
    assert sentence in _refused(local)


def test_a_busy_port_is_refused_with_a_sentence(tmp_path: Path) -> None:
    first, second = Local(tmp_path / "first"), Local(tmp_path / "second")
    first.start()
    second.take_ports_of(first)
    assert "cannot be used: Address already in use" in _refused(second)
    first.stop()


def test_requirements_that_cannot_be_installed_are_said(tmp_path: Path) -> None:
    pack = _pack(tmp_path, {"requirements.txt": "./there-is-no-such-directory\n"})
    command = [
        sys.executable, "-m", "st2local", "serve", "--pack", str(pack), "--data", str(tmp_path / "data"),
        "--api-port", "0", "--auth-port", "0", "--stream-port", "0",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "error: the virtualenv of pack odd could not be made" in done.stderr


def test_a_stop_leaves_no_process_behind(tmp_path: Path) -> None:
    local = Local(tmp_path)
    rest = local.start()
    identifier = rest.start("probe.shell", {"cmd": "sleep 98765"})["id"]
    rest.wait(identifier, ("running",))
    time.sleep(0.2)
    local.stop()
    assert not [pid for pid in processes.every() if "98765" in processes.command_line(pid)]


def test_a_kill_leaves_no_sensor_behind(tmp_path: Path) -> None:
    local = Local(tmp_path)
    local.start()
    assert local.process is not None
    children = [int(one) for one in _children(local.process.pid)]
    os.kill(local.process.pid, signal.SIGKILL)
    local.wait_for_death()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{one}/exe").exists() for one in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _children(pid: int) -> list[str]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += (task / "children").read_text().split()
    return found
