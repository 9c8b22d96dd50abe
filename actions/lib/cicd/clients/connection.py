"""What the pack's SSH clients share: their settings, what a command leaves, and how they say what failed."""

from __future__ import annotations

import shlex
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence, Type

from cicd.config import Settings
from cicd.errors import ConfigError, HostError, HostLost
from cicd.release.host import Host
from cicd.sanitize import neutral

KEEPALIVE_SECONDS = 15
SILENCE_SECONDS = 45  # after which a host that acknowledges nothing counts as dead


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and its output, as it came."""

    code: int
    stdout: str
    stderr: str


def command(argv: Sequence[str]) -> str:
    """Return *argv* as the one string that SSH carries, every word quoted."""
    return " ".join(shlex.quote(word) for word in argv)


def readable(settings: Settings, key: str) -> str:
    """Return the path that `ssh.`*key* names; ConfigError when this user cannot read it."""
    path: str = getattr(settings.ssh, key)
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"`ssh.{key}` names {path}, which cannot be read: {error.strerror}.",
            "Make it readable for the user that runs the actions.",
        ) from None
    return path


def failure(host: Host, what: str, hint: str, kind: Type[HostError] = HostError) -> HostError:
    """Return the error that says *what* happened on *host*, and the next step."""
    return kind(f"{host.name} ({host.address}) {what}.", hint, host=host.name)


def wrong_key(host: Host) -> HostError:
    """Return the error of a host that is not, or not provably, the known one."""
    return failure(
        host,
        "presented another host key than the known one",
        "Find out whether the host was reinstalled; only then update known_hosts.",
    )


def unreachable(host: Host, user: str, error: BaseException) -> HostError:
    """Return the error of a host to which no connection came about."""
    return failure(
        host,
        f"cannot be reached by SSH as {user} ({_why(error)})",
        "Check sshd, the address, the key and known_hosts; then try again.",
        HostLost,
    )


def lost(host: Host, name: str, error: BaseException) -> HostError:
    """Return the error of a connection that broke while the command *name* ran."""
    return failure(
        host,
        f"was lost while it ran `{name}` ({_why(error)})",
        "Check that it is up, then try again.",
        HostLost,
    )


def late(host: Host, name: str, seconds: float) -> HostError:
    """Return the error of a command *name* that did not end in time."""
    return failure(
        host,
        f"did not finish `{name}` within {seconds:.0f} s",
        "Look at the host; the command may still be running there.",
    )


def untransferred(host: Host, path: str, error: BaseException) -> HostError:
    """Return the error of a file that could not be copied."""
    return failure(host, f"could not transfer {path} ({_why(error)})", "Check space and rights.", HostLost)


def _why(error: BaseException) -> str:
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "no answer in time"
    return neutral(str(error), 200) or type(error).__name__
