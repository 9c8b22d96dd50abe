"""A load balancer of our own: a real Consul with DNS, a real HAProxy, and cicd-render between them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
import yaml

from follow.follower import Follower
from render.config import Config
from render.rendering import REPORTS, Rendering
from tests.conftest import agent, free_port

ROOT = Path(__file__).parents[2]


class Application(BaseHTTPRequestHandler):
    """Says its name, as each host of a project does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Applications)
        body = self.server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Applications(ThreadingHTTPServer):
    """HAProxy's checks close connections as they like."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__((address, 0), Application)
        self.name = name
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        pass


class Site:
    """Consul at `url`, and a load balancer that cicd-render keeps in `folder`."""

    def __init__(self, folder: Path, url: str, dns: int) -> None:
        self.folder, self.url, self.port = folder, url, free_port()
        self.file, self.said = folder / "haproxy.cfg", list[str]()
        self._dns, self._applications = dns, list[Applications]()
        self._haproxy: subprocess.Popen[bytes] | None = None
        (folder / "render.d").mkdir()
        self.job: dict[str, object] = {}
        self.write_job()

    def write_job(self, **changed: object) -> None:
        """Write the job as the package's example has it, with the places of this site."""
        shipped = yaml.safe_load((ROOT / "render/examples/haproxy.yaml").read_text())
        own = {
            "bind": f"127.0.0.1:{self.port}",
            "dns": f"127.0.0.1:{self._dns}",
            "socket": str(self.folder / "admin.sock"),
            "state": str(self.folder / "state"),
        }
        (self.folder / "reload").write_text(
            RELOAD.format(python=sys.executable, root=ROOT, folder=self.folder)
        )
        (self.folder / "reload").chmod(0o755)
        places = {"destination": str(self.file), "apply": [str(self.folder / "reload")], "quiet_seconds": 0}
        self.job = {**shipped, **places, "vars": {**shipped["vars"], **own}, **changed}
        (self.folder / "render.d/haproxy.yaml").write_text(yaml.safe_dump(self.job))

    def follower(self) -> Follower:
        """Return cicd-render as it is when it has just been started."""
        config = Config(
            self.url, node="lb1", jobs_dir=str(self.folder / "render.d"), state_dir=str(self.folder)
        )
        return Follower(Rendering(config), "1.0", self.said.append)

    def start_haproxy(self) -> None:
        command = ["haproxy", "-W", "-db", "-f", str(self.file)]
        with (self.folder / "log").open("a") as log:
            self._haproxy = subprocess.Popen(command, stdout=log, stderr=log)
        (self.folder / "pid").write_text(str(self._haproxy.pid))
        eventually(lambda: self.ask("nobody") == 404)

    @property
    def reloads(self) -> int:
        """How often HAProxy was reloaded."""
        return len((self.folder / "reloads").read_text().splitlines())

    def ask(self, name: str, **headers: str) -> int | str:
        """Return what answers for the host *name*: its own name, or the status of a refusal; 0 for nobody."""
        try:
            answer = requests.get(
                f"http://127.0.0.1:{self.port}/", headers={"Host": name, **headers}, timeout=10
            )
        except requests.ConnectionError:
            return 0
        return answer.text if answer.status_code == 200 else answer.status_code

    def register(self, name: str, *tags: str, instance: str = "", answers: str = "") -> str:
        """Let a host of the project *name* serve, and return its ID in Consul."""
        # HAProxy takes several ports of one address for one server.
        address = f"127.0.2.{len(self._applications) + 1}"
        server = Applications(answers or name, address)
        self._applications.append(server)
        service = {
            "ID": instance or name,
            "Name": name,
            "Address": address,
            "Port": server.server_address[1],
            "Tags": [f"{name}::app", *tags],
        }
        self.put("agent/service/register", service)
        return instance or name

    def put(self, path: str, body: object = None) -> None:
        data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        requests.put(f"{self.url}/v1/{path}", data=data, timeout=10).raise_for_status()

    def report(self) -> dict[str, object]:
        found = requests.get(f"{self.url}/v1/kv/{REPORTS}lb1?raw", timeout=10)
        return json.loads(found.text)

    def stop(self) -> None:
        if self._haproxy:
            self._haproxy.send_signal(signal.SIGTERM)
            self._haproxy.wait(20)
        for server in self._applications:
            server.shutdown()
            server.server_close()


RELOAD = """#!/bin/sh
[ -e {folder}/pid ] || exit 0
echo reload >>{folder}/reloads
export PYTHONPATH={root}
exec {python} -m render reload-haproxy {folder}/admin.sock {folder}/state kill -USR2 $(cat {folder}/pid)
"""


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    dns = free_port()
    (folder / "dns.json").write_text(json.dumps({"ports": {"dns": dns}}))
    with agent(folder, also=[folder / "dns.json"]) as (url, _):
        found = Site(folder, url, dns)
        try:
            yield found
        finally:
            found.stop()


@contextmanager
def running(follower: Follower) -> Iterator[None]:
    """Let *follower* step, as its program does, meanwhile."""
    is_over = threading.Event()

    def follow() -> None:
        while not is_over.is_set():
            follower.step(0.5)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(30)


class Client:
    """Asks without a pause over connections that it keeps; `failed` is what was no answer of *name*."""

    def __init__(self, port: int, name: str) -> None:
        self._port, self._name = port, name
        self.answered, self.failed = 0, list[str]()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def __enter__(self) -> Client:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._is_over.is_set():
            try:
                connection.request("GET", "/", headers={"Host": self._name})
                answer = connection.getresponse()
                text = answer.read().decode()
                if answer.status != 200:
                    self.failed.append(f"{answer.status} {text}")
                self.answered += 1
            except (HTTPException, OSError) as error:
                self.failed.append(repr(error))
                connection.close()
            time.sleep(0.002)
        connection.close()


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
