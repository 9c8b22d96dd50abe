"""The process of one sensor: what it is given, and what it writes."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
from pathlib import Path

from st2local.content.resources import Resource
from st2local.values import Values

LOG = logging.getLogger(__name__)
WRAPPER = Path(__file__).resolve().parent.parent / "wrapper" / "sensor_wrapper.py"


class SensorProcess:
    """Runs *sensor* by the interpreter *python*; what it is given goes through its stdin."""

    def __init__(self, sensor: Resource, python: str, wanted: Values) -> None:
        self.sensor = sensor
        env = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        self.popen = subprocess.Popen(
            [python, "-u", str(WRAPPER)],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        assert self.popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            # stdin stays open: the sensor ends when it is closed, so it never outlives the server.
            self.popen.stdin.write(json.dumps(wanted) + "\n")
            self.popen.stdin.flush()

    def follow(self) -> int:
        """Log what the sensor writes until it ends; returns its exit code."""
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            LOG.info("[%s] %s", self.sensor.ref, line.rstrip())
        return self.popen.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, number)
