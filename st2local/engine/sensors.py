"""Sensors: each in a process of its own, which sends its triggers through the API."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from dataclasses import dataclass

from st2local.auth import Auth
from st2local.config import Configs
from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.datastore import SYSTEM_USER
from st2local.engine.enabled import Enabled
from st2local.engine.sensor_process import SensorProcess
from st2local.engine.triggers import Triggers
from st2local.values import Values
from st2local.virtualenvs import Virtualenvs

LOG = logging.getLogger(__name__)
RESPAWNS = 2
RESPAWN_SECONDS = 2.5
STABLE_SECONDS = 10
STOP_SECONDS = 5
TOKEN_SECONDS = 365 * 24 * 3600


@dataclass
class Sensors:
    """Starts every enabled sensor; one that exits badly is started again, twice at the most."""

    _registry: Registry
    _enabled: Enabled
    _virtualenvs: Virtualenvs
    _configs: Configs
    _auth: Auth
    _triggers: Triggers
    _api_url: str

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._processes: dict[str, SensorProcess] = {}

    def start(self) -> None:
        """Start them."""
        self._stopping, self._threads = threading.Event(), []
        for sensor in self._enabled.all("sensor_type"):
            arguments = (sensor, self._stopping)
            thread = threading.Thread(
                target=self._watch, args=arguments, name=f"sensor {sensor.ref}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def reload(self) -> None:
        """Start them again, with the code and the configuration of now."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop them: SIGTERM, and SIGKILL after five seconds."""
        self._stopping.set()
        for child in list(self._processes.values()):
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        for child in list(self._processes.values()):
            child.kill()

    def _watch(self, sensor: Resource, stopping: threading.Event) -> None:
        tries = 0
        while not stopping.is_set():
            try:
                began, code = time.monotonic(), self._run_once(sensor, stopping)
            except Exception as error:
                LOG.error("sensor %s could not be started: %s", sensor.ref, error)
                return
            if code == 0 or stopping.is_set():
                return
            tries = 1 if time.monotonic() - began > STABLE_SECONDS else tries + 1
            if tries > RESPAWNS:
                LOG.error("sensor %s ended with exit code %s too often and is given up", sensor.ref, code)
                return
            LOG.warning("sensor %s ended with exit code %s and is started again", sensor.ref, code)
            stopping.wait(RESPAWN_SECONDS * tries)

    def _run_once(self, sensor: Resource, stopping: threading.Event) -> int:
        with self._auth.lend(SYSTEM_USER, TOKEN_SECONDS) as token:
            python = self._virtualenvs.ready(sensor.pack).python
            child = SensorProcess(sensor, python, self._wanted(sensor, token))
            self._processes[sensor.ref] = child
            self._tell("spawn", sensor, child.popen, None)
            try:
                return child.follow()
            finally:
                self._processes.pop(sensor.ref, None)
                if not stopping.is_set():
                    self._tell("exit", sensor, child.popen, child.popen.returncode)

    def _wanted(self, sensor: Resource, token: str) -> Values:
        path = self._registry.packs[sensor.pack].path / "sensors" / sensor.data["entry_point"]
        return {
            "pack": sensor.pack, "file_path": str(path), "class_name": sensor.data["class_name"],
            "poll_interval": sensor.data["poll_interval"], "config": self._configs.get(sensor.pack),
            "api_url": self._api_url, "token": token,
        }  # fmt: skip

    def _tell(self, event: str, sensor: Resource, child: subprocess.Popen[str], code: int | None) -> None:
        told: Values = {
            "id": sensor.name, "timestamp": int(time.time()), "pid": child.pid, "cmd": f"sensor {sensor.ref}"
        }  # fmt: skip
        if event == "exit":
            told["exit_code"] = code
        self._triggers.dispatch(f"core.st2.sensor.process_{event}", {"object": told})
