"""One command on many machines at once, over SSH with verified host keys and connections that are kept."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any, Callable, Coroutine, Sequence, TypeVar, Union

import asyncssh

from cicd.clients import connection, known_hosts
from cicd.clients.connection import KEEPALIVE_SECONDS, Outcome
from cicd.config import Settings
from cicd.errors import CicdError, HostError
from cicd.release.host import Host

OUTPUT_LIMIT = 65536  # characters of each stream that are kept, the last ones
BROKEN = (asyncssh.Error, OSError, EOFError)

Answer = Union[Outcome, HostError]
Parsed = TypeVar("Parsed")


class Fanout:
    """
    Connections to the hosts of one run, in a `with` block.

    A connection is opened when its host is first needed and kept, alive, until the block ends: the
    next command on that host needs no key exchange. At most `ssh.parallel` hosts are at work at once.
    """

    def __init__(self, settings: Settings) -> None:
        self._user = settings.ssh.user
        self._parallel = max(1, settings.ssh.parallel)
        self._options: dict[str, Any] = {
            "port": settings.ssh.port,
            "known_hosts": _parsed(
                settings,
                "known_hosts_file",
                lambda _: asyncssh.import_known_hosts(known_hosts.text(settings)),
            ),
            "options": asyncssh.SSHClientConnectionOptions(
                username=self._user,
                client_keys=_parsed(settings, "private_key_file", asyncssh.load_keypairs),
                connect_timeout=settings.ssh.connect_timeout,
                keepalive_interval=KEEPALIVE_SECONDS,
                preferred_auth="publickey",
                agent_path=None,
                config=None,
            ),
        }
        self._connections: dict[Host, Any] = {}
        self._loop = asyncio.new_event_loop()
        # Keep-alive must go on while the caller waits for something else.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Fanout:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(
        self,
        hosts: Sequence[Host],
        argv: Sequence[str],
        timeout: float,
        told: Callable[[Host, Answer], None],
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        Run *argv* on *hosts*, each for at most *timeout* seconds, and tell each answer as it comes.

        A host whose turn comes when *go_on* says no is left alone, and nothing is told of it.
        """
        self._wait(self._run(hosts, argv, timeout, told, go_on))

    async def _run(
        self,
        hosts: Sequence[Host],
        argv: Sequence[str],
        timeout: float,
        told: Callable[[Host, Answer], None],
        go_on: Callable[[], bool],
    ) -> None:
        free = asyncio.Semaphore(self._parallel)

        async def one(host: Host) -> None:
            async with free:
                if go_on():
                    told(host, await self._answer(host, argv, timeout))

        await asyncio.gather(*(one(host) for host in hosts))

    async def _answer(self, host: Host, argv: Sequence[str], timeout: float) -> Answer:
        try:
            kept = self._connections.get(host) or await self._connect(host)
        except HostError as error:
            return error
        try:
            return await asyncio.wait_for(_execute(kept, connection.command(argv)), timeout)
        except asyncio.TimeoutError:
            self._connections.pop(host).abort()
            return connection.late(host, argv[0], timeout)
        except BROKEN as error:
            self._connections.pop(host).abort()
            return connection.lost(host, argv[0], error)

    async def _connect(self, host: Host) -> Any:
        try:
            self._connections[host] = await asyncssh.connect(host.address, **self._options)
        except asyncssh.HostKeyNotVerifiable:
            raise connection.wrong_key(host) from None
        except (*BROKEN, asyncio.TimeoutError) as error:
            raise connection.unreachable(host, self._user, error) from None
        return self._connections[host]

    async def _close(self) -> None:
        for kept in self._connections.values():
            kept.close()
        await asyncio.gather(*(kept.wait_closed() for kept in self._connections.values()))

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _execute(kept: Any, line: str) -> Outcome:
    process = await kept.create_process(line, stdin=asyncssh.DEVNULL, encoding="utf-8", errors="replace")
    stdout, stderr = await asyncio.gather(_read(process.stdout), _read(process.stderr))
    ended = await process.wait()
    return Outcome(-1 if ended.exit_status is None else int(ended.exit_status), stdout, stderr)


async def _read(stream: Any) -> str:
    """Return the last characters of *stream*: a report is the last line, and failures stand at the end."""
    kept = ""
    while True:
        more = await stream.read(OUTPUT_LIMIT)
        if not more:
            return kept
        kept = (kept + more)[-OUTPUT_LIMIT:]


def _known_hosts(settings: Settings) -> Any:
    return asyncssh.import_known_hosts(known_hosts.text(settings))


def _parsed(settings: Settings, key: str, parse: Callable[[str], Parsed]) -> Parsed:
    path = connection.readable(settings, key)
    try:
        return parse(path)
    except ValueError as error:
        raise CicdError(
            f"`ssh.{key}` names {path}, which cannot be used: {error}.",
            "Name a private key without a passphrase, and a known_hosts file as ssh-keyscan writes it.",
        ) from error
