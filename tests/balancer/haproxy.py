"""A real HAProxy that routes as the lab's does, with a server of its own behind each backend."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from lab.haproxy import config
from lab.project import FIRST
from tests.conftest import free_port

SIDES = ("all", "canary", "stable")
CONFIG = """global
  stats socket {folder}/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  timeout http-keep-alive 10s
  http-reuse always
frontend applications
  bind 127.0.0.1:{port}
{routing}
{backends}
"""
BACKEND = """backend {side}
  server one unix@{folder}/{side}.sock {state}
frontend answers_{side}
  bind unix@{folder}/{side}.sock
  http-request return status 200 hdr x-side {side}
"""
PIPELINED = 200


class HAProxy:
    """One process, reached at `port`; its map is `file`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.file = folder, free_port(), folder / "shares.map"
        self.file.write_text("")
        self.start()

    def start(self, gone: Iterable[str] = ()) -> None:
        """Start it, with no server in the backends that are *gone*."""
        backends = "".join(
            BACKEND.format(side=side, folder=self.folder, state="disabled" if side in gone else "")
            for side in SIDES
        )
        routing = config.routing([FIRST], str(self.file))
        text = CONFIG.format(folder=self.folder, port=self.port, routing=routing, backends=backends)
        (self.folder / "haproxy.cfg").write_text(text)
        self._run()

    def _run(self) -> None:
        command = ["haproxy", "-W", "-db", "-f", str(self.folder / "haproxy.cfg")]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while not self.answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()

    def answers(self) -> bool:
        """Whether it takes requests and commands: a socket of the process before may still be there."""
        with socket.socket() as site, socket.socket(socket.AF_UNIX) as commands:
            is_there = site.connect_ex(("127.0.0.1", self.port)) == 0
            return is_there and commands.connect_ex(str(self.folder / "admin.sock")) == 0

    def reload(self) -> None:
        """Let a new worker take over, as `systemctl reload haproxy` does."""
        old = self.workers()
        self.process.send_signal(signal.SIGUSR2)
        deadline = time.monotonic() + 20
        while self.workers() & old or not self.workers() or not self.answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()

    def workers(self) -> set[str]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(children.read_text().split())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def sides(self, requests: list[str], source: str = "127.0.0.1") -> list[str]:
        """
        Return which backend answered each of the *requests*, lines of headers, over one connection.

        A process that ends or has just begun may reset it: then all are sent again.
        """
        deadline = time.monotonic() + 20
        while True:
            try:
                return self._sides(requests, source)
            except ConnectionError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()

    def _sides(self, requests: list[str], source: str) -> list[str]:
        found: list[str] = []
        with socket.create_connection(("127.0.0.1", self.port), 10, (source, 0)) as connection:
            for first in range(0, len(requests), PIPELINED):
                some = requests[first : first + PIPELINED]
                sent = "".join(f"GET / HTTP/1.1\r\nHost: greeter\r\n{headers}\r\n" for headers in some)
                connection.sendall(sent.encode())
                found += _answers(connection, len(some))
        return found

    def of_users(self, users: Iterable[int]) -> list[str]:
        """Return which backend answered each of the *users*, who have a cookie."""
        return self.sides([f"Cookie: {config.COOKIE}=user-{user}\r\n" for user in users])


def _answers(connection: socket.socket, many: int) -> list[str]:
    received, found = b"", []
    while len(found) < many:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError
        received += piece
        found = [one.decode() for one in re.findall(rb"x-side: (\w+)\r", received)]
    return found
