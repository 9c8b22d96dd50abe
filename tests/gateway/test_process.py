"""The gateway as a process: killed, stopped, and told nonsense."""

import signal
import subprocess

import pytest
import yaml

from tests.gateway.gateways import ROOT, Process, command, configure, states
from tests.gateway.wire import COMMIT, deliver, eventually, push, signed


def test_what_was_accepted_survives_kill_9_and_arrives_once(silent, tmp_path):
    gateway = Process(tmp_path, silent.url)
    assert deliver(gateway, push()).json()["decision"] == "accepted"
    gateway.stop(signal.SIGKILL)
    assert [state for state, _ in states(tmp_path)] == ["waiting"]

    with silent.answering():
        gateway.start()
        eventually(lambda: states(tmp_path) == [("forwarded", "")])
        assert deliver(gateway, push()).json()["decision"] == "duplicate"
        assert gateway.stop() == 0
    assert silent.commits == [COMMIT]


def test_kill_9_while_stackstorm_answers_500_loses_and_doubles_nothing(stackstorm, tmp_path):
    stackstorm.answers = [500] * 3
    gateway = Process(tmp_path, stackstorm.url)
    deliver(gateway, push())
    eventually(lambda: stackstorm.calls)
    gateway.stop(signal.SIGKILL)
    gateway.start()
    eventually(lambda: states(tmp_path) == [("forwarded", "")])

    assert gateway.stop() == 0
    assert stackstorm.commits == [COMMIT]
    assert "Traceback" not in gateway.log.read_text()


def test_sighup_reads_secrets_anew_and_a_mistake_leaves_them(stackstorm, tmp_path):
    gateway = Process(tmp_path, stackstorm.url)
    (tmp_path / "0").write_text("a-newer-secret-of-github")
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "gateway.yaml was read again" in gateway.log.read_text())
    newer = "a-newer-secret-of-github"
    first, second = push(), push(after="b" * 40)
    assert deliver(gateway, first, X_Hub_Signature_256=signed(first, newer)).status_code == 202

    (tmp_path / "0").write_text("short")
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "what was read before stays in use" in gateway.log.read_text())
    assert deliver(gateway, second, "d2", X_Hub_Signature_256=signed(second, newer)).status_code == 202
    assert gateway.stop() == 0


def without(*keys):
    def change(settings):
        for key in keys[:-1]:
            settings = settings[key]
        del settings[keys[-1]]

    return change


def with_(value, *keys):
    def change(settings):
        for key in keys[:-1]:
            settings = settings[key]
        settings[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("spool"), "`spool` is missing"),
        (with_("/proc/nosuch/x", "spool"), "the spool /proc/nosuch/x cannot be opened: No such file"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_1(tmp_path, change, said):
    path = configure(tmp_path, "http://127.0.0.1:1/v1")
    settings = yaml.safe_load(path.read_text())
    change(settings)
    path.write_text(yaml.safe_dump(settings))

    done = subprocess.run(command(path), cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
