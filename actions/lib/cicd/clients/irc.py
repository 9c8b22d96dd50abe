"""An IRC server that takes notices: one short visit to a channel."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing
from typing import Generator, Iterator, Sequence, Tuple

from cicd import config
from cicd.errors import ReceiverBusy
from cicd.notice_targets import PLAIN, NoticeTarget

TIMEOUT_SECONDS = 10
VISIT_SECONDS = 60  # other targets wait meanwhile
RETRY_SECONDS = 60.0
BYTES = 8192
LINE_BYTES = 380  # 512 with who says it, and where
WELCOME, JOINED, NICK_IN_USE, NO_MESSAGE_OF_THE_DAY = "001", "366", "433", "422"

Reply = Tuple[str, str]  # what it is, and the rest of it


def say(target: NoticeTarget, lines: Sequence[str], link: str) -> None:
    """
    Say *lines* and *link* in the channel of *target*.

    ReceiverBusy unless the server has taken them all: it answers a PING after them.
    """
    password = config.secret(target.password_file)
    try:
        with _connected(target) as connection, closing(_replies(connection)) as replies:
            _Visit(connection, replies, target, password).say([*lines, *([link] if link else [])])
    except (OSError, UnicodeError) as error:
        raise _busy(target, type(error).__name__) from None


class _Visit:
    """One connection from its beginning to its end."""

    def __init__(
        self, connection: socket.socket, replies: Iterator[Reply], target: NoticeTarget, password: str
    ) -> None:
        self._connection = connection
        self._target = target
        self._password = password
        self._nick = target.nick
        self._replies = replies

    def say(self, lines: Sequence[str]) -> None:
        """Come, say *lines*, and go once the server has taken them."""
        channel = self._target.channel
        if self._password:
            self._send(f"PASS {self._password}")
        self._send(f"NICK {self._nick}")
        self._send(f"USER {self._nick} 0 * :StackStorm")
        self._wait(WELCOME)
        self._send(f"JOIN {channel}")
        self._wait(JOINED)
        for line in lines:
            for part in parts(line):
                self._send(f"PRIVMSG {channel} :{part}")
        self._send("PING :taken")
        self._wait("PONG")
        self._send("QUIT :said")

    def _wait(self, wanted: str) -> None:
        """Go on until the server says what is *wanted*; ReceiverBusy when it says that it cannot be."""
        for what, rest in self._replies:
            if what == wanted:
                return
            if what == "PING":
                self._send(f"PONG {rest}")
            elif what == NICK_IN_USE:  # by somebody else, or by what is left of an earlier visit
                self._nick += "_"
                self._send(f"NICK {self._nick}")
            elif what == "ERROR" or _is_error(what):
                raise _busy(self._target, what)
        raise _busy(self._target, "it closed the connection")

    def _send(self, line: str) -> None:
        self._connection.sendall(f"{line}\r\n".encode())


def parts(line: str) -> Iterator[str]:
    """Yield *line* in parts that fit into a message of IRC, and that end none."""
    rest = " ".join(line.split()).replace("\0", "").encode()
    while rest:
        part = rest[:LINE_BYTES].decode(errors="ignore")
        yield part
        rest = rest[len(part.encode()) :]


def _replies(connection: socket.socket) -> Generator[Reply, None, None]:
    """Yield each message of the server: what it is, and the rest of it; OSError when it takes too long."""
    until, begun = time.monotonic() + VISIT_SECONDS, b""
    while (left := until - time.monotonic()) > 0:
        connection.settimeout(min(TIMEOUT_SECONDS, left))
        given = connection.recv(BYTES)
        if not given:
            return
        *lines, begun = (begun + given).split(b"\n")
        begun = begun[:BYTES]
        yield from map(_reply, lines)
    raise TimeoutError


def _reply(line: bytes) -> Reply:
    said = line.decode(errors="replace").rstrip("\r")
    what, _, rest = (said.partition(" ")[2] if said.startswith(":") else said).partition(" ")
    return what, rest


def _is_error(what: str) -> bool:
    return what.isdecimal() and 400 <= int(what) < 600 and what != NO_MESSAGE_OF_THE_DAY


def _connected(target: NoticeTarget) -> socket.socket:
    host, _, port = target.server.partition(":")
    connection = socket.create_connection((host, int(port)), TIMEOUT_SECONDS)
    if target.tls == PLAIN:
        return connection
    return ssl.create_default_context().wrap_socket(connection, server_hostname=host)


def _busy(target: NoticeTarget, why: str) -> ReceiverBusy:
    return ReceiverBusy(f"The IRC server {target.server} did not accept the notice ({why}).", RETRY_SECONDS)
