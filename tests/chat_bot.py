"""Errbot with err-stackstorm, unmodified, in a process: a person types, and the bot says what it says."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "venvs" / "chatbot"
CONFIG = """import logging

BACKEND = {backend!r}
BOT_ADMINS = ("@operator",)
BOT_DATA_DIR = {directory!r}
BOT_EXTRA_PLUGIN_DIR = {plugins!r}
BOT_LOG_FILE = None
BOT_LOG_LEVEL = logging.INFO
BOT_PREFIX = "!"
CORE_PLUGINS = ()
STORAGE = "Memory"
TEXT_DEMO_MODE = True
STACKSTORM = {stackstorm!r}
BOT_IDENTITY = {identity!r}
CHATROOM_PRESENCE = {rooms!r}
"""


class ChatBot:
    """
    The bot, in a `with` block; *stackstorm* is err-stackstorm's own configuration.

    It speaks to the terminal, or in *rooms* of the IRC server that is on the *port*.
    """

    def __init__(
        self, directory: Path, stackstorm: dict[str, object], port: int = 0, rooms: Sequence[str] = ()
    ) -> None:
        (plugins,) = HOME.glob("lib/python3*/site-packages/err-stackstorm")
        config = directory / "config.py"
        config.write_text(
            CONFIG.format(
                directory=str(directory),
                plugins=str(plugins),
                stackstorm=stackstorm,
                backend="IRC" if port else "Text",
                identity={"nickname": "bot", "server": "127.0.0.1", "port": port},
                rooms=tuple(rooms),
            )
        )
        self._command = [str(HOME / "bin" / "errbot"), "-c", str(config)]
        self._log = directory / "errbot.log"
        self._stream = urlsplit(str(stackstorm["stream_url"]))
        self._speaks_to_a_terminal = not port
        self._said: list[str] = []

    def __enter__(self) -> ChatBot:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self._reader = threading.Thread(target=self._listen)
        self._reader.start()
        try:
            if self._speaks_to_a_terminal:
                self._wait("greeting", lambda: "one-on-one" in self.said)
            self._wait("connection to the stream", self._listens)
        except AssertionError:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Leave nothing behind."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line)

    @property
    def said(self) -> str:
        """All that the bot has said, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", "".join(self._said))

    def type(self, line: str) -> None:
        """Say something to the bot."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def hears(self, text: str, seconds: float = 30) -> None:
        """Wait until the bot has said *text*; AssertionError with all it said when it never does."""
        self._wait(text, lambda: text in self.said, seconds)

    def _wait(self, what: str, there: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < deadline, f"no {what!r}:\n{self.said}\n{self._log.read_text()[-4000:]}"
            time.sleep(0.1)

    def _listens(self) -> bool:
        """Whether somebody is connected to the stream: what is announced to nobody is lost."""
        port = f":{self._stream.port:04X}"
        rows = [line.split()[2:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return any(remote.endswith(port) and state == "01" for remote, state in rows)
