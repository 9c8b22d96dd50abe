"""Starts an st2local of its own for tests, as a user would: a process, three ports, a password file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import httpx

from tests.conformance.rest import Rest

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).resolve().parent / "packs" / "probe"
USER, PASSWORD = "st2admin", "Ch@ngeMe"
CONFIG = "greeting: hi\ntoken: s3cret\nshown: '{{ st2kv.system.probe_config }}'\n"


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Local:
    """A server; `start`, `kill` and `stop` as often as wanted, on the same data."""

    alive: ClassVar[set[Local]] = set()

    def __init__(
        self,
        directory: Path,
        packs: Sequence[Path] = (PROBE,),
        launcher: Sequence[str] = ("-m", "st2local"),
        users: Sequence[str] = (),
        web: Path | None = None,
    ) -> None:
        self.directory = directory
        self.api_port, self.auth_port, self.stream_port, self.web_port = free_ports(4)
        self.process: subprocess.Popen[str] | None = None
        self.environment: dict[str, str] = {}
        self._clients: list[httpx.Client] = []
        (directory / "configs").mkdir(parents=True, exist_ok=True)
        (directory / "configs" / "probe.yaml").write_text(CONFIG)
        passwords = directory / "passwords"
        passwords.write_text("".join(f"{user}:{PASSWORD}\n" for user in (USER, *users)))
        passwords.chmod(0o600)
        self._packs, self._launcher, self._web = packs, launcher, web

    def take_ports_of(self, other: Local) -> None:
        """Use the ports of another one."""
        self.api_port, self.auth_port, self.stream_port = other.api_port, other.auth_port, other.stream_port

    @property
    def _command(self) -> list[str]:
        directory = self.directory
        return [
            sys.executable, *self._launcher, "serve", *(f"--pack={pack}" for pack in self._packs),
            "--configs", str(directory / "configs"), "--data", str(directory / "data"),
            "--virtualenvs", str(ROOT / "build" / "test-virtualenvs"), "--host", "127.0.0.1",
            "--api-port", str(self.api_port), "--auth-port", str(self.auth_port),
            "--stream-port", str(self.stream_port), "--password-file", str(directory / "passwords"),
            *(("--web", str(self._web), "--web-port", str(self.web_port)) if self._web else ()),
        ]  # fmt: skip

    @property
    def web_url(self) -> str:
        """Where the web UI is, when there is one."""
        return f"http://127.0.0.1:{self.web_port}"

    def wait_for_death(self) -> None:
        """Wait until it has ended by itself."""
        self._wait()

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.directory / "log").read_text()

    def start(self) -> Rest:
        """Start it, and return its API once it answers."""
        with (self.directory / "log").open("a") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **self.environment},
            )  # fmt: skip
        Local.alive.add(self)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready"), f"{line!r}\n{self.log}"
        rest = Rest(f"http://127.0.0.1:{self.api_port}/v1", {"X-Auth-Token": self.token()})
        self._clients.append(rest.client)
        return rest

    def token(self, user: str = USER) -> str:
        """Log in; every user has the same password."""
        url = f"http://127.0.0.1:{self.auth_port}/tokens"
        answer = httpx.post(url, auth=(user, PASSWORD), json={}, trust_env=False)
        assert answer.status_code == 201, answer.text
        found: str = answer.json()["token"]
        return found

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self._wait()

    def stop(self) -> int:
        """End it as an administrator would; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def _wait(self) -> int:
        assert self.process is not None
        code = self.process.wait(20)
        Local.alive.discard(self)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        for client in self._clients:
            client.close()
        self._clients.clear()
        return code

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def wait_for_log(self, text: str, seconds: float = 20) -> None:
        """Wait until it has logged something."""
        deadline = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < deadline, f"{text!r} is not in\n{self.log}"
            time.sleep(0.05)
