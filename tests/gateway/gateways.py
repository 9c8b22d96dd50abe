"""Gateways under test: one in a thread of this process, and one that is a process of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from gateway import config
from gateway.server import running
from tests.gateway.wire import KEY, SECRETS, TOKEN, eventually

ROOT = Path(__file__).parents[2]
START_SECONDS = 120  # on a machine that has much else to do


def configure(folder: Path, api_url: str, port: int = 0, read_seconds: float = 10) -> Path:
    """Write gateway.yaml and its secrets into *folder* and return its path."""
    for name, text in {"key": KEY, "token": TOKEN, "0": SECRETS[0], "1": SECRETS[1]}.items():
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)
    settings = {
        "listen": {"host": "127.0.0.1", "port": port or 1, "read_seconds": read_seconds},
        "stackstorm": {"api_url": api_url, "api_key_file": str(folder / "key")},
        "github": {"secret_files": [str(folder / "0"), str(folder / "1")]},
        "jenkins": {"token_file": str(folder / "token")},
        "spool": str(folder / "spool.sqlite"),
    }
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def states(folder: Path) -> list[tuple[str, str]]:
    """Return the state and the reason of every event in the spool in *folder*."""
    with closing(sqlite3.connect(folder / "spool.sqlite")) as database:
        return database.execute("SELECT state, reason FROM event ORDER BY id").fetchall()


class Local:
    """A gateway in a thread."""

    def __init__(self, folder: Path, settings: config.Config) -> None:
        self.folder = folder
        self._settings = settings
        self._stream = io.StringIO()
        self._stop: asyncio.Event
        self.loop: asyncio.AbstractEventLoop

    @contextmanager
    def serving(self, **changes: Any) -> Iterator[None]:
        """Serve within this context, with *changes* to the configuration."""
        port: Future[int] = Future()
        settings = dataclasses.replace(self._settings, **changes)
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(settings, port)))
        thread.start()
        self.url = f"http://127.0.0.1:{port.result(START_SECONDS)}"
        try:
            yield
        finally:
            self.loop.call_soon_threadsafe(self._stop.set)
            thread.join()

    @property
    def audit(self) -> list[dict[str, str]]:
        """Return the audit lines."""
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    async def _serve(self, settings: config.Config, port: Future[int]) -> None:
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with running(settings, self._stream) as gateway:
                port.set_result(gateway.port)
                await self._stop.wait()
        except Exception as error:
            port.set_exception(error)


class Process:
    """A gateway that is a process of its own, on a free port: *program*, or the modules of this checkout."""

    def __init__(self, folder: Path, api_url: str, key: str = KEY, program: Path | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.config = configure(folder, api_url, port)
        self._command = [str(program), "--config", str(self.config)] if program else command(self.config)
        (folder / "key").write_text(key)
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        self.start()

    def start(self) -> None:
        """Start it and return once it answers."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)
        eventually(self._answers, START_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it signal *number* and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.RequestException:
            return False


def command(path: Path) -> list[str]:
    """Return the command that starts a gateway with the configuration *path*."""
    return [sys.executable, "-m", "gateway", "--config", str(path)]
