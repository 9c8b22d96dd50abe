"""Commands on another machine, over SSH with verified host keys; many machines at once: see fanout.py."""

from __future__ import annotations

import io
import socket
from types import TracebackType
from typing import Any, Iterable, Sequence

import paramiko
from fabric import Config, Connection
from invoke.exceptions import CommandTimedOut

from cicd.clients import connection, known_hosts
from cicd.clients.connection import KEEPALIVE_SECONDS, SILENCE_SECONDS, Outcome
from cicd.clients.scripts import script_text
from cicd.config import Settings
from cicd.errors import HostError, HostLost
from cicd.release.host import Host
from cicd.sanitize import neutral

TEMPORARY_FAILURE = 75  # sysexits.h: what a script says when its host cannot go on, full disk and the like
NO_EXIT_STATUS = -1  # paramiko's word when a command's end was never told
BROKEN = (paramiko.SSHException, OSError, EOFError)


class Shell:
    """A connection to one host; use it in a `with` block."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self.host = host
        self._user, self._port = settings.ssh.user, settings.ssh.port
        self._seconds = settings.ssh.connect_timeout
        self._connection = Connection(
            host.address,
            user=self._user,
            port=self._port,
            connect_timeout=self._seconds,
            connect_kwargs={
                "key_filename": connection.readable(settings, "private_key_file"),
                "look_for_keys": False,
                "allow_agent": False,
            },
            config=Config(overrides={"load_ssh_configs": False}),
        )
        # Fabric's default adds unknown keys: whoever answers at the address would be trusted.
        self._connection.client.load_host_keys(connection.readable(settings, "known_hosts_file"))
        self._trust(known_hosts.joined(settings))
        self._connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())

    def __enter__(self) -> Shell:
        try:
            self._connection.connect_kwargs["sock"] = self._dialled()
            self._connection.open()
        except paramiko.BadHostKeyException:
            raise connection.wrong_key(self.host) from None
        except BROKEN as error:
            raise connection.unreachable(self.host, self._user, error) from None
        transport = self._connection.client.get_transport()
        if transport is not None:
            transport.set_keepalive(KEEPALIVE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(self, argv: Sequence[str], timeout: int, called: str = "") -> Outcome:
        """
        Run *argv*, quoted as it is, for at most *timeout* seconds, and return how it ended.

        Failures call it *called*, or as its first word.
        """
        name = called or argv[0]
        try:
            result = self._connection.run(
                connection.command(argv),
                hide=True,
                warn=True,
                in_stream=False,
                timeout=timeout,
                encoding="utf-8",
            )
        except CommandTimedOut:
            raise connection.late(self.host, name, timeout) from None
        except BROKEN as error:
            raise connection.lost(self.host, name, error) from None
        if result.exited == NO_EXIT_STATUS:
            raise connection.lost(self.host, name, EOFError("it was killed, or its host died"))
        return Outcome(int(result.exited), str(result.stdout), str(result.stderr))

    def script(self, name: str, arguments: Sequence[str], timeout: int) -> str:
        """
        Run remote/*name*.sh with *arguments* and return its output.

        Raises HostError with the last lines that the script wrote to stderr; HostLost when
        the script says that only this host cannot do it.
        """
        outcome = self.run(["sh", "-c", script_text(name), name, *arguments], timeout, name)
        if outcome.code != 0:
            kind = HostLost if outcome.code == TEMPORARY_FAILURE else HostError
            raise connection.failure(
                self.host,
                f"failed at {name.replace('_', ' ')}: {neutral(outcome.stderr.strip(), 800) or 'no output'}",
                "Correct that, then run the workflow again.",
                kind,
            )
        return outcome.stdout

    def _trust(self, lines: Iterable[str]) -> None:
        """Believe what *lines*, of the form of known_hosts, say as well."""
        for line in lines:
            entry = paramiko.hostkeys.HostKeyEntry.from_line(line)
            for name in entry.hostnames if entry else ():
                self._connection.client.get_host_keys().add(name, entry.key.get_name(), entry.key)

    def _dialled(self) -> socket.socket:
        """
        Return a socket that sends at once: else each request waits 40 ms until the last is acknowledged.

        A host without power closes no connection: what nobody there acknowledges ends it here.
        """
        dialled = socket.create_connection((self.host.address, self._port), self._seconds)
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * SILENCE_SECONDS)
        return dialled

    def put(self, content: str, path: str) -> None:
        """Write *content* to the file *path* there."""
        self._transfer(lambda c: c.put(io.BytesIO(content.encode()), path), path)

    def upload(self, local: str, path: str) -> None:
        """Copy the file *local* to *path* there."""
        self._transfer(lambda c: c.put(local, path), path)

    def download(self, path: str, local: str) -> None:
        """Copy the file *path* from there to *local*."""
        self._transfer(lambda c: c.get(path, local), path)

    def _transfer(self, copy: Any, path: str) -> None:
        try:
            copy(self._connection)
        except BROKEN as error:
            raise connection.untransferred(self.host, path, error) from None
