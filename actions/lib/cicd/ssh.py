"""Commands on other machines, over SSH with verified host keys."""

from __future__ import annotations

import io
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Sequence

import paramiko
from fabric import Config, Connection
from invoke.exceptions import CommandTimedOut

from cicd.config import Settings
from cicd.errors import ConfigError, HostError, HostLost
from cicd.ring import Host
from cicd.text import neutral

SCRIPTS = Path(__file__).with_name("remote")
KEEPALIVE_SECONDS = 15
TEMPORARY_FAILURE = 75  # sysexits.h: what a script says when its host cannot go on, full disk and the like


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and its output, as it came."""

    code: int
    stdout: str
    stderr: str


class Shell:
    """A connection to one host; use it in a `with` block."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self.host = host
        self._user = str(settings.ssh["user"])
        self._connection = Connection(
            host.address,
            user=self._user,
            port=int(settings.ssh["port"]),
            connect_timeout=int(settings.ssh["connect_timeout"]),
            connect_kwargs={
                "key_filename": _readable(settings, "private_key_file"),
                "look_for_keys": False,
                "allow_agent": False,
            },
            config=Config(overrides={"load_ssh_configs": False}),
        )
        # Fabric's default adds unknown keys: whoever answers at the address would be trusted.
        self._connection.client.load_host_keys(_readable(settings, "known_hosts_file"))
        self._connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())

    def __enter__(self) -> Shell:
        try:
            self._connection.open()
        except paramiko.BadHostKeyException:
            raise self._error(
                "presented another host key than the known one",
                "Find out whether the host was reinstalled; only then update known_hosts.",
            ) from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(
                f"cannot be reached by SSH as {self._user} ({_why(error)})",
                "Check sshd, the address, the key and known_hosts; then try again.",
            ) from None
        transport = self._connection.client.get_transport()
        if transport is not None:
            transport.set_keepalive(KEEPALIVE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(self, argv: Sequence[str], timeout: int) -> Outcome:
        """Run *argv*, quoted as it is, for at most *timeout* seconds, and return how it ended."""
        command = " ".join(shlex.quote(word) for word in argv)
        try:
            result = self._connection.run(
                command, hide=True, warn=True, in_stream=False, timeout=timeout, encoding="utf-8"
            )
        except CommandTimedOut:
            raise self._error(
                f"did not finish `{argv[0]}` within {timeout} s",
                "Look at the host; the command may still be running there.",
            ) from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(f"was lost while it ran `{argv[0]}` ({_why(error)})", "Is it up?") from None
        return Outcome(int(result.exited), str(result.stdout), str(result.stderr))

    def script(self, name: str, arguments: Sequence[str], timeout: int) -> str:
        """
        Run remote/*name*.sh with *arguments* and return its output.

        Raises HostError with the last lines that the script wrote to stderr; HostLost when
        the script says that only this host cannot do it.
        """
        text = (SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")
        outcome = self.run(["sh", "-c", text, name, *arguments], timeout)
        if outcome.code != 0:
            kind = self._lost if outcome.code == TEMPORARY_FAILURE else self._error
            raise kind(
                f"failed at {name.replace('_', ' ')}: {neutral(outcome.stderr.strip(), 800) or 'no output'}",
                "Correct that, then run the workflow again.",
            )
        return outcome.stdout

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
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(
                f"could not transfer {path} ({_why(error)})", "Check space and rights."
            ) from None

    def _error(self, what: str, hint: str) -> HostError:
        return HostError(f"{self.host.name} ({self.host.address}) {what}.", hint, host=self.host.name)

    def _lost(self, what: str, hint: str) -> HostLost:
        return HostLost(f"{self.host.name} ({self.host.address}) {what}.", hint, host=self.host.name)


def _readable(settings: Settings, key: str) -> str:
    path = str(settings.ssh[key])
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"`ssh.{key}` names {path}, which cannot be read: {error.strerror}.",
            "Make it readable for the user that runs the actions.",
        ) from None
    return path


def _why(error: BaseException) -> str:
    if isinstance(error, socket.timeout):
        return "no answer in time"
    return neutral(str(error), 200) or type(error).__name__
