"""A deploy whose process or whose Consul dies at any step: a clear end, and never half a change."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cicd.clients import consul
from cicd.errors import CicdError, ConsulError, Refused
from cicd.release import record, transitions
from lab.consul import binary
from lab.places import Places
from tests.conftest import free_port, wait_for_leader
from tests.lib.deploy_process import PROJECT, RING, Deploying, build

ROOT = Path(__file__).parents[3]
TTL = 20  # the shortest that Consul can keep
LAST_REQUEST = {"begin": 5, "restore": 4, "confirm": 5}


class Server:
    """A Consul server of its own, with its state on disk, that can be killed and frozen."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ports = {name: -1 for name in ("dns", "grpc", "serf_wan", "https")}
        ports |= {"http": self.port, "serf_lan": free_port(), "server": free_port()}
        known = {
            "ports": ports, "server": True, "bootstrap_expect": 1, "data_dir": str(folder / "data"),
            "bind_addr": "127.0.0.1", "performance": {"raft_multiplier": 1}, "log_level": "err",
            "acl": {"enabled": True, "default_policy": "allow", "tokens": {"master": "root"}},
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(known))
        self.start()

    def start(self) -> None:
        command = [str(binary.find(Places.from_environment())), "agent", "-config-file"]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, str(self.folder / "config.json")], stdout=log, stderr=log
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it serves reads and sessions: a leader needs a moment for its access control."""
        wait_for_leader(self.url)
        deadline = time.monotonic() + 60
        while not self.serves():
            assert time.monotonic() < deadline, "Consul does not serve"
            time.sleep(0.1)

    def serves(self) -> bool:
        """Whether its leader answers for sessions and, after it asked itself whether it leads still, keys."""
        sessions = requests.get(f"{self.url}/v1/session/list", timeout=10)
        keys = requests.get(f"{self.url}/v1/kv/cicd?keys&consistent", timeout=10)
        return sessions.ok and keys.status_code in (200, 404)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def everything(self) -> dict[str, str]:
        """Return every key and its text at one moment."""
        items = requests.get(f"{self.url}/v1/kv/?recurse", timeout=10)
        found = items.json() if items.ok else []
        return {item["Key"]: base64.b64decode(item["Value"] or "").decode() for item in found}

    def read_only_token(self) -> str:
        root = {"X-Consul-Token": "root"}
        rules = 'key_prefix "" { policy = "read" }\nsession_prefix "" { policy = "write" }'
        policy = {"Name": f"reader-{time.time()}".replace(".", "-"), "Rules": rules}
        requests.put(f"{self.url}/v1/acl/policy", json=policy, headers=root, timeout=10).raise_for_status()
        token = {"Policies": [{"Name": policy["Name"]}]}
        made = requests.put(f"{self.url}/v1/acl/token", json=token, headers=root, timeout=10)
        return str(made.json()["SecretID"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("consul"))
    yield server
    server.kill()


@pytest.fixture
def server(shared: Server) -> Server:
    requests.delete(f"{shared.url}/v1/kv/?recurse", timeout=10)
    sessions = requests.get(f"{shared.url}/v1/session/list", timeout=10).json()
    for session in sessions:
        requests.put(f"{shared.url}/v1/session/destroy/{session['ID']}", timeout=10)
    return shared


def whole(server: Server) -> record.Release:
    """
    The record, after a look at everything that one transaction must have written with it.

    All of one moment: a Consul that was frozen may do only now what it was asked for then.
    """
    keys = server.everything()
    known = record.from_json(json.loads(keys[f"cicd/{PROJECT}/release"]))
    numbers = [int(key.rpartition("/")[2]) for key in keys if key.startswith(f"cicd/{PROJECT}/history/")]
    assert numbers == list(range(1, known.generation + 1))
    wanted = known.ring("canary").wanted.version if known.ring("canary").wanted else None
    assert keys.get(f"{PROJECT}::canary_version") == wanted
    assert keys[f"cicd/{PROJECT}/wanted/{RING}"] == transitions.wanted_document(known, RING, 300)
    return known


def prepare(url: str, command: str) -> int:
    """Bring the ring to where *command* begins; the number is what the command is given."""
    ann = Deploying(url, TTL, "ann")
    ann.confirm(ann.begin(1))
    return 2 if command == "begin" else ann.begin(2)


def killed_at(url: str, command: str, number: int, at: int, when: str) -> int:
    arguments = [sys.executable, "-m", "tests.lib.deploy_process", url, str(TTL), command]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'actions' / 'lib'}"}
    done = subprocess.run(
        [*arguments, str(number), str(at), when], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    return done.returncode


# Each point of death has a server of its own, so that all of them wait for their lock at the same time.
@pytest.mark.faults
@pytest.mark.parametrize("command", LAST_REQUEST)
def test_after_kill_9_at_any_write_the_lock_frees_and_the_next_deploy_succeeds(tmp_path, command):
    points = [(at, when) for at in range(1, LAST_REQUEST[command] + 1) for when in ("before", "after")]

    def die(point: tuple[int, str]) -> tuple[float, str]:
        folder = tmp_path / f"{point[0]}-{point[1]}"
        folder.mkdir()
        server = Server(folder)
        try:
            return outlive(server, command, *point)
        finally:
            server.kill()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(die, points))
    assert all(said != "" for _, said in found)
    assert max(seconds for seconds, _ in found) <= TTL + 5, found
    assert max(seconds for seconds, _ in found) > 1, "no death left a lock behind"


def outlive(server: Server, command: str, at: int, when: str) -> tuple[float, str]:
    number = prepare(server.url, command)
    code = killed_at(server.url, command, number, at, when)
    died = time.monotonic()
    assert code == -signal.SIGKILL, f"{command} has no request {at}"
    left = whole(server)
    bob = Deploying(server.url, TTL, "bob")
    session = bob.lock.acquire(bob.holder, wait_seconds=TTL + 30)
    waited = time.monotonic() - died
    bob.lock.release(session)
    generation = bob.confirm(bob.begin(3))
    assert whole(server).ring("canary").last_good == build(3)
    stale = Deploying(server.url, TTL, "the one that died")
    with pytest.raises(Refused, match="moved on"):
        stale.confirm(left.ring("canary").generation)
    assert whole(server).ring("canary").generation == generation
    return waited, "outlived"


def deploy(url: str, token: str = "") -> None:
    """A whole deploy, its steps as two processes would take them."""
    worker = Deploying(url, TTL, "ann")
    if token:
        for connection in (worker.store, worker.lock._connection):
            connection._headers = {"X-Consul-Token": token}
            connection._consul.http.session.headers["X-Consul-Token"] = token
    worker.confirm(worker.begin(2))


@pytest.fixture
def interrupted(server, monkeypatch):
    """Let something happen to the server just before request number N of this process."""

    def at(number: int, happen) -> None:
        send, seen = consul.Impatient.send, [0]

        def counted(self, *arguments, **options):
            seen[0] += 1
            if seen[0] == number:
                happen()
            return send(self, *arguments, **options)

        monkeypatch.setattr(consul.Impatient, "send", counted)

    return at


# The very last request gives the lock up; a deploy that loses it has ended well, and the lock ends by itself.
STEPS = range(1, LAST_REQUEST["begin"] + LAST_REQUEST["confirm"])


@pytest.mark.faults
@pytest.mark.parametrize("number", STEPS)
def test_a_consul_that_is_killed_at_any_step_is_a_clear_end_and_leaves_nothing_half(
    server, interrupted, monkeypatch, number
):
    prepare(server.url, "begin")
    interrupted(number, server.kill)
    ended = failure(server.url)
    monkeypatch.undo()
    server.start()

    assert "Consul" in ended.message
    assert ended.hint
    assert whole(server).ring("canary").last_good == build(1)


@pytest.mark.faults
@pytest.mark.parametrize("number", STEPS)
def test_a_consul_that_is_frozen_at_any_step_is_a_clear_end_and_leaves_nothing_half(
    server, interrupted, monkeypatch, number
):
    prepare(server.url, "begin")
    monkeypatch.setattr(consul, "TIMEOUT_SECONDS", 0.5)
    interrupted(number, lambda: server.signal(signal.SIGSTOP))
    ended = failure(server.url)
    monkeypatch.undo()
    server.signal(signal.SIGCONT)
    server.wait()

    assert "did not answer within" in ended.message
    assert ended.hint
    assert whole(server).ring("canary").last_good in (build(1), build(2))


def test_a_consul_that_only_lets_itself_be_read_is_a_clear_end_and_stays_as_it_is(server):
    prepare(server.url, "begin")
    before = server.everything()

    with pytest.raises(ConsulError, match="denies this; nothing was changed") as error:
        deploy(server.url, server.read_only_token())
    assert "infra/consul" in error.value.hint
    assert server.everything() == before


def failure(url: str) -> CicdError:
    with pytest.raises(CicdError) as error:
        deploy(url)
    return error.value
