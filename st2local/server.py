"""A running server: the engine, and its services on their ports."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from st2local.api import app, auth_app, stream_app, web_app
from st2local.api.browser_guard import is_loopback
from st2local.assembly import Engine, Settings
from st2local.errors import RefusedError

LOG = logging.getLogger(__name__)


class _Service(uvicorn.Server):
    """A server whose signals are ours to handle."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises RefusedError when it cannot begin."""
    refuse_open_door(settings)
    pages = web_app.pages(settings.web) if settings.web else None
    settings.data.mkdir(parents=True, exist_ok=True)
    ports = [settings.api_port, settings.auth_port, settings.stream_port]
    ports += [settings.web_port] if pages else []
    sockets = [_bind(settings.host, port) for port in ports]
    engine = Engine(settings)
    for finding in [*engine.registry.findings, *engine.configs.findings]:
        LOG.warning("%s", finding)
    engine.virtualenvs.prepare()
    asyncio.run(_run(_applications(engine, pages), engine, sockets, on_ready))


def refuse_open_door(settings: Settings) -> None:
    """Raise RefusedError when other machines could reach a server that asks nobody for a password."""
    if settings.password_file is None and not is_loopback(settings.host):
        raise RefusedError(
            f"without --password-file everyone who reaches {settings.host} could run commands; "
            "give one, or serve on 127.0.0.1"
        )


def _bind(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; it costs 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise RefusedError(
            f"{host}:{port} cannot be used: {error.strerror}; stop what listens there or choose another port"
        ) from error
    return listener


def _applications(engine: Engine, pages: ASGIApp | None) -> list[ASGIApp]:
    services: list[ASGIApp] = [one.build(engine) for one in (app, auth_app, stream_app)]
    return [*services, web_app.WebApp(pages, *services)] if pages else services


def _service(application: ASGIApp) -> _Service:
    config = uvicorn.Config(
        application, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2,
        timeout_keep_alive=30,
    )  # fmt: skip
    return _Service(config)


async def _run(
    applications: list[ASGIApp], engine: Engine, sockets: list[socket.socket], on_ready: Callable[[], None]
) -> None:
    services = [_service(one) for one in applications]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(one.serve(sockets=[listener]))
        for one, listener in zip(services, sockets, strict=True)
    ]
    while not all(one.started for one in services):
        await asyncio.sleep(0.01)
    await asyncio.to_thread(engine.start)
    on_ready()
    await stop.wait()
    engine.stream.close()
    for one in services:
        one.should_exit = True
    await asyncio.to_thread(engine.stop)
    await asyncio.gather(*tasks)
