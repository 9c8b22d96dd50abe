"""The gateway as a process, with a StackStorm stand-in behind it that records what arrives."""

import hashlib
import hmac
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import yaml

ROOT = Path(__file__).parents[2]
COMMIT = "a" * 40
SECRETS = ["old-secret", "new-secret"]


class StackStorm(ThreadingHTTPServer):
    """Answers StackStorm's webhook endpoint and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.got: list[tuple[str, dict, dict]] = []
        self.answers: list[int] = []


class Hook(BaseHTTPRequestHandler):
    """One webhook call."""

    server: StackStorm

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.answers.pop(0) if self.server.answers else 202
        if status == 202:
            self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        pass


class Process:
    """One gateway process on a free port."""

    def __init__(self, folder: Path, api_url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        secrets = {"key": "the-api-key", "token": "the-token", "0": SECRETS[0], "1": SECRETS[1]}
        for name, text in secrets.items():
            (folder / name).write_text(text + "\n")
        config = {
            "listen": {"host": "127.0.0.1", "port": port},
            "stackstorm": {"api_url": api_url, "api_key_file": str(folder / "key")},
            "github": {"secret_files": [str(folder / "0"), str(folder / "1")]},
            "jenkins": {"token_file": str(folder / "token")},
            "spool": str(folder / "spool.sqlite"),
        }
        self.config = folder / "gateway.yaml"
        self.config.write_text(yaml.safe_dump(config))
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "audit"
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            command = [sys.executable, "-m", "gateway", "--config", str(self.config)]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        eventually(self._answers)

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(10)

    def audit(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False


def eventually(question, seconds: float = 10):
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def stackstorm() -> Iterator[StackStorm]:
    with StackStorm() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def gateway(stackstorm: StackStorm, tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path, f"http://127.0.0.1:{stackstorm.server_port}/v1")
    yield process
    process.stop()


def push(**changes: object) -> bytes:
    event = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": COMMIT,
        "deleted": False,
        "compare": "https://github.com/acme/greeter/compare/a...b",
        "repository": {"name": "greeter", "full_name": "acme/greeter", "description": "{{ 7 * 7 }}"},
        "pusher": {"name": "ann", "email": "ann@example.com"},
        "head_commit": {"message": "<% ctx() %>"},
    }
    return json.dumps({**event, **changes}).encode()


def signed(body: bytes, secret: str = SECRETS[0]) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def deliver(gateway: Process, body: bytes, delivery: str = "d1", kind: str = "push", **headers: str):
    given = {"X-GitHub-Event": kind, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": signed(body)}
    names = {"signature": "X-Hub-Signature-256"}
    given.update({names[name]: value for name, value in headers.items()})
    return requests.post(f"{gateway.url}/github", data=body, headers=given, timeout=10)


def test_a_signed_push_is_forwarded_reduced_with_key_and_trace(gateway, stackstorm):
    assert deliver(gateway, push()).status_code == 202
    eventually(lambda: stackstorm.got)

    path, headers, body = stackstorm.got[0]
    assert path == "/v1/webhooks/cicd/github"
    assert headers["St2-Api-Key"] == "the-api-key"
    assert headers["St2-Trace-Tag"] == f"acme/greeter@{COMMIT}"
    assert body["repository"] == {"name": "greeter", "full_name": "acme/greeter"}
    assert body["pusher"] == {"name": "ann"}
    assert "head_commit" not in body


@pytest.mark.parametrize("secret", SECRETS)
def test_during_a_rotation_both_secrets_are_good(gateway, secret):
    assert deliver(gateway, push(), signature=signed(push(), secret)).status_code == 202


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signed(push(ref="refs/heads/x")),
        signed(push()).upper(),
        "sha1=00",
        "ä",
    ],
)
def test_a_wrong_signature_is_refused_with_one_audit_line(gateway, stackstorm, signature):
    answer = deliver(gateway, push(), signature=signature.encode("utf-8").decode("latin-1"))

    assert answer.status_code == 401
    assert [line["decision"] for line in gateway.audit()] == ["refused"]
    assert not stackstorm.got


def test_a_push_replayed_five_times_and_twenty_at_once_is_forwarded_once(gateway, stackstorm):
    for number in range(5):
        assert deliver(gateway, push(), delivery=f"serial-{number}").status_code == 202
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: deliver(gateway, push(), delivery="same"), range(20)))
    eventually(lambda: stackstorm.got)
    time.sleep(0.3)

    assert len(stackstorm.got) == 1


@pytest.mark.parametrize(
    "hostile",
    [
        {"ref": "refs/heads/a;touch${IFS}/tmp/x"},
        {"ref": "refs/heads/{{x}}"},
        {"ref": "refs/heads/main\n"},
        {"after": "<% ctx() %>"},
        {"after": COMMIT.upper()},
        {"repository": {"full_name": "../.."}},
        {"repository": "acme/greeter"},
        {"ref": ["refs/heads/main"]},
    ],
)
def test_a_hostile_push_is_acknowledged_but_goes_no_further(gateway, stackstorm, hostile):
    answer = deliver(gateway, push(**hostile))

    assert (answer.status_code, answer.json()["decision"]) == (202, "ignored")
    assert not stackstorm.got


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"[" * 10_000, b'{"a":' * 100 + b"1" + b"}" * 100])
def test_what_is_no_push_is_ignored_and_the_gateway_lives_on(gateway, body):
    assert deliver(gateway, body).status_code == 202
    assert deliver(gateway, push()).json()["decision"] == "accepted"


def test_a_ping_is_answered_and_other_events_are_ignored(gateway, stackstorm):
    assert deliver(gateway, b"{}", kind="ping").status_code == 200
    assert deliver(gateway, b"{}", kind="issues").json()["decision"] == "ignored"
    assert not stackstorm.got


def test_a_body_over_the_limit_is_refused(gateway):
    assert deliver(gateway, b" " * (1024**2 + 1)).status_code == 413


def test_stackstorm_answering_500_loses_nothing_and_doubles_nothing(gateway, stackstorm):
    stackstorm.answers = [500, 503]
    deliver(gateway, push())
    eventually(lambda: stackstorm.got)
    time.sleep(0.3)

    assert len(stackstorm.got) == 1


def test_events_of_one_repository_arrive_in_order(gateway, stackstorm):
    stackstorm.answers = [500, 500]
    commits = [f"{number:040x}" for number in range(10)]
    for number, commit in enumerate(commits):
        deliver(gateway, push(after=commit), delivery=f"n{number}")
    eventually(lambda: len(stackstorm.got) == 10)

    assert [body["after"] for _, _, body in stackstorm.got] == commits


def test_an_accepted_event_survives_kill_9(tmp_path):
    with StackStorm() as stackstorm:
        gateway = Process(tmp_path, f"http://127.0.0.1:{stackstorm.server_port}/v1")
        stackstorm.socket.listen(0)
        assert deliver(gateway, push()).status_code == 202
        gateway.stop(signal.SIGKILL)
        thread = threading.Thread(target=stackstorm.serve_forever, args=(0.02,))
        thread.start()
        gateway.start()
        eventually(lambda: stackstorm.got)
        gateway.stop()
        stackstorm.shutdown()
        thread.join()

    assert {body["after"] for _, _, body in stackstorm.got} == {COMMIT}


def callback(**changes: object) -> bytes:
    build = {
        "number": 7,
        "phase": "FINALIZED",
        "status": "SUCCESS",
        "full_url": "http://jenkins:8080/job/greeter/7/",
        "log": "{{ 7 * 7 }}",
        "scm": {"commit": COMMIT, "branch": "main", "changes": ["x"]},
        "parameters": {"PROJECT": "greeter", "COMMIT": COMMIT, "TRACE": f"acme/greeter@{COMMIT}", "X": "y"},
    }
    return json.dumps({"name": "greeter", "url": "job/greeter/", "build": {**build, **changes}}).encode()


def test_a_jenkins_callback_joins_the_trace_of_its_commit(gateway, stackstorm):
    answer = requests.post(f"{gateway.url}/jenkins?token=the-token", data=callback(), timeout=10)
    eventually(lambda: stackstorm.got)

    path, headers, body = stackstorm.got[0]
    assert answer.status_code == 202
    assert path == "/v1/webhooks/cicd/jenkins"
    assert headers["St2-Trace-Tag"] == f"acme/greeter@{COMMIT}"
    assert "log" not in body["build"]
    assert set(body["build"]["parameters"]) == {"PROJECT", "COMMIT", "TRACE"}


def test_every_phase_counts_once(gateway, stackstorm):
    for phase in ("STARTED", "STARTED", "FINALIZED", "FINALIZED"):
        headers = {"X-Cicd-Token": "the-token"}
        requests.post(f"{gateway.url}/jenkins", data=callback(phase=phase), headers=headers, timeout=10)
    eventually(lambda: len(stackstorm.got) == 2)


@pytest.mark.parametrize("token", ["", "the-toke", "the-token2"])
def test_a_callback_without_the_token_is_refused(gateway, token):
    answer = requests.post(f"{gateway.url}/jenkins", params={"token": token}, data=callback(), timeout=10)

    assert answer.status_code == 401


def test_metrics_count_decisions(gateway):
    deliver(gateway, push())

    text = requests.get(f"{gateway.url}/metrics", timeout=10).text
    assert 'cicd_gateway_decisions_total{source="github",decision="accepted"} 1' in text


def test_a_missing_secret_file_is_one_sentence(tmp_path):
    config = {
        "listen": {"host": "127.0.0.1", "port": 1},
        "stackstorm": {"api_url": "http://127.0.0.1:1", "api_key_file": str(tmp_path / "nosuch")},
    }
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "gateway", "--config", str(tmp_path / "gateway.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "nosuch" in done.stderr
