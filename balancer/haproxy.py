"""HAProxy on this host: the map file that it starts with, and the same map in the process that runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from balancer import shares
from balancer.config import Config
from follow import command, files, stats_socket
from follow.errors import FollowError
from follow.files import Access

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
            raise FollowError(f"{self._file} cannot be read ({error}).") from None

    def keep(self, wanted: Mapping[str, str]) -> None:
        """Write the map's file, all of it or nothing, once HAProxy has found that it is one."""
        if not self._file.exists() or self.kept() != wanted:
            files.replace(self._file, shares.text(wanted), self._refuse_wrong, Access())

    def running(self) -> dict[str, str]:
        """Return the entries of the map in the process that runs."""
        lines = self._ask(f"show map {self._file}").splitlines()
        if lines and lines[0].startswith("Unknown map"):
            raise FollowError(f"HAProxy's configuration does not use the map {self._file}.")
        return shares.read("\n".join(line.partition(" ")[2] for line in lines))

    def apply(self, wanted: Mapping[str, str]) -> None:
        """Bring the map in the process that runs to the entries *wanted*; FollowError unless it has them."""
        commands = shares.changes(self.running(), wanted, str(self._file))
        for one in commands:
            self._ask(one)
        if commands and self.running() != dict(wanted):
            raise FollowError(
                f"HAProxy did not take the map {self._file}: {self._ask(commands[-1]).strip()}."
            )

    def _ask(self, command: str) -> str:
        try:
            return stats_socket.ask(self._config.haproxy_socket, command)
        except OSError as error:
            raise FollowError(
                f"HAProxy does not answer at {self._config.haproxy_socket} ({error}); "
                f"it starts with what {self._file} says."
            ) from None

    def _refuse_wrong(self, file: Path) -> None:
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            probe = Path(folder, "probe.cfg")
            probe.write_text(PROBE.format(file=file), encoding="utf-8")
            why = command.failure([self._config.haproxy, "-c", "-q", "-f", str(probe)], Path(folder))
        if why:
            raise FollowError(f"HAProxy refuses the map that is wanted: {why}")
