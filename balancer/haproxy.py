"""HAProxy on this host: the map file that it starts with, and the same map in the process that runs."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from balancer import shares
from balancer.config import Config
from balancer.errors import TrafficError

SECONDS = 5
# Whether a file is such a map says HAProxy itself, whatever its own configuration is like at the moment.
PROBE = """defaults
  mode http
  timeout client 1s
frontend probe
  bind unix@probe.sock
  http-request deny if {{ str(probe),map_str_int({file},0) gt 0 }}
"""


class HAProxy:
    """Writes and reads one map."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._file = Path(config.map_file)

    def kept(self) -> dict[str, str]:
        """Return the entries of the map's file; none where there is no file."""
        try:
            return shares.read(self._file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise TrafficError(f"{self._file} cannot be read ({error}).") from None

    def keep(self, wanted: Mapping[str, str]) -> None:
        """Write the map's file, all of it or nothing, once HAProxy has found that it is one."""
        if self._file.exists() and self.kept() == wanted:
            return
        new = self._file.with_name(f".{self._file.name}.new")
        try:
            _write(new, shares.text(wanted))
            self._refuse_wrong(new)
            os.replace(new, self._file)
        except (OSError, subprocess.SubprocessError) as error:
            raise TrafficError(f"{self._file} cannot be written ({error}).") from None

    def running(self) -> dict[str, str]:
        """Return the entries of the map in the process that runs."""
        lines = self._ask(f"show map {self._file}").splitlines()
        if lines and lines[0].startswith("Unknown map"):
            raise TrafficError(f"HAProxy's configuration does not use the map {self._file}.")
        return shares.read("\n".join(line.partition(" ")[2] for line in lines))

    def apply(self, wanted: Mapping[str, str]) -> None:
        """Bring the map in the process that runs to the entries *wanted*; TrafficError unless it has them."""
        commands = shares.changes(self.running(), wanted, str(self._file))
        for command in commands:
            self._ask(command)
        if commands and self.running() != dict(wanted):
            raise TrafficError(
                f"HAProxy did not take the map {self._file}: {self._ask(commands[-1]).strip()}."
            )

    def _ask(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(SECONDS)
                connection.connect(self._config.haproxy_socket)
                connection.sendall(f"{command}\n".encode("ascii"))
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")
        except OSError as error:
            raise TrafficError(
                f"HAProxy does not answer at {self._config.haproxy_socket} ({error}); "
                f"it starts with what {self._file} says."
            ) from None

    def _refuse_wrong(self, file: Path) -> None:
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            probe = Path(folder, "probe.cfg")
            probe.write_text(PROBE.format(file=file), encoding="utf-8")
            done = _run([self._config.haproxy, "-c", "-q", "-f", str(probe)], folder)
        if done:
            raise TrafficError(f"HAProxy refuses the map that is wanted: {done[-200:]}")


def _run(command: Sequence[str], folder: str) -> str:
    """Return what a failing *command* said; nothing when it succeeds."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else " ".join((done.stderr or done.stdout or "no reason").split())


def _write(file: Path, text: str) -> None:
    with open(file, "w", encoding="ascii") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    file.chmod(0o644)
