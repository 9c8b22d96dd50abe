"""A real IRC server, ngircd, in a process, and a person who listens in its channel."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.conftest import free_port

CHANNEL = "#deploys"
WAIT_SECONDS = 60
CONFIG = """[Global]
Name = irc.example.com
Info = cicd
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = hello
{password}
[Limits]
MaxConnectionsIP = 0
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
[Channel]
Name = {channel}
Modes = n
"""


class IrcServer:
    """The server in *directory*, in a `with` block; it can be stopped and started meanwhile."""

    def __init__(self, directory: Path, password: str = "") -> None:
        self.port = free_port()
        self._config = directory / "ngircd.conf"
        secret = f"Password = {password}" if password else ""
        self._config.write_text(CONFIG.format(port=self.port, channel=CHANNEL, password=secret))

    def __enter__(self) -> IrcServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and return once it takes connections."""
        command = ["ngircd", "--nodaemon", "--config", str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._listens, "the IRC server")

    def stop(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """A person in the channel, in a `with` block."""

    def __init__(self, server: IrcServer, password: str = "") -> None:
        self.lines: list[str] = []
        self._server, self._password = server, password

    def __enter__(self) -> Listener:
        self._socket = socket.create_connection(("127.0.0.1", self._server.port))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        login = f"PASS {self._password}\r\n" if self._password else ""
        self._socket.sendall(f"{login}NICK ann\r\nUSER ann 0 * :Ann\r\nJOIN {CHANNEL}\r\n".encode())
        self.waits_for(lambda: any(" 366 " in line for line in self.lines), "the channel")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the server may have ended it
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    @property
    def said(self) -> list[str]:
        """What others said in the channel."""
        return [line.partition(f" PRIVMSG {CHANNEL} :")[2] for line in self.lines if "PRIVMSG #" in line]

    def waits_for(self, there: Callable[[], bool], what: str) -> None:
        """Wait until it is *there*; AssertionError with all that was heard when it never is."""
        wait_until(there, f"{what}: {self.lines}")

    def _listen(self) -> None:
        with suppress(OSError), self._socket.makefile("rb") as file:  # the server may end it
            for raw in file:
                line = raw.decode(errors="replace").rstrip("\r\n")
                self.lines.append(line)
                if line.startswith("PING"):
                    self._socket.sendall(f"PONG{line[4:]}\r\n".encode())


def wait_until(there: Callable[[], bool], what: str) -> None:
    """Wait until it is *there*; AssertionError that names *what* when it never is."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not there():
        assert time.monotonic() < deadline, f"nothing came of {what}"
        time.sleep(0.05)
