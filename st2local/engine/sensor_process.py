"""The process of one sensor: what it is given, and what it writes."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from st2local.config import Configs
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.values import Values
from st2local.virtualenvs import Virtualenvs

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


@dataclass
class SensorProcesses:
    """Starts sensors, each with the interpreter and the config of its pack."""

    _registry: Registry
    _virtualenvs: Virtualenvs
    _configs: Configs
    _api_url: str

    def start(self, sensor: Resource, token: str) -> SensorProcess:
        """Start a sensor that uses the API with *token*."""
        virtualenv = self._virtualenvs.ready(sensor.pack)
        path = self._registry.packs[sensor.pack].path / "sensors" / sensor.data["entry_point"]
        wanted = {
            "pack": sensor.pack,
            "file_path": str(path),
            "class_name": sensor.data["class_name"],
            "poll_interval": sensor.data["poll_interval"],
            "config": self._configs.get(sensor.pack),
            "api_url": self._api_url,
            "token": token,
        }
        return SensorProcess(sensor, virtualenv.python, wanted)
