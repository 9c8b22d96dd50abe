"""The classes that every sensor derives from."""

from __future__ import annotations

import abc
import time
from typing import Any


class BaseSensor(abc.ABC):
    """`sensor_service` dispatches triggers and keeps values; `config` is the pack's."""

    def __init__(self, sensor_service: Any, config: Any = None) -> None:
        self._sensor_service = sensor_service
        self._config = config or {}
        self.sensor_service = sensor_service
        self.config = self._config

    @abc.abstractmethod
    def setup(self) -> None:
        """Prepare; called once."""

    @abc.abstractmethod
    def run(self) -> None:
        """Run; returns only when it is over."""

    @abc.abstractmethod
    def cleanup(self) -> None:
        """Clean up."""

    @abc.abstractmethod
    def add_trigger(self, trigger: Any) -> None:
        """A rule begins to wait for a trigger."""

    @abc.abstractmethod
    def update_trigger(self, trigger: Any) -> None:
        """A trigger that a rule waits for has changed."""

    @abc.abstractmethod
    def remove_trigger(self, trigger: Any) -> None:
        """No rule waits for a trigger any more."""


class Sensor(BaseSensor):
    """A sensor that waits by itself."""


class PollingSensor(BaseSensor):
    """A sensor whose `poll` is called again and again."""

    def __init__(self, sensor_service: Any, config: Any = None, poll_interval: Any = 5) -> None:
        super().__init__(sensor_service=sensor_service, config=config)
        self._poll_interval = poll_interval

    @abc.abstractmethod
    def poll(self) -> None:
        """Look once."""

    def run(self) -> None:
        """Poll for ever."""
        while True:
            self.poll()
            time.sleep(self._poll_interval)

    def get_poll_interval(self) -> Any:
        """Return the seconds between two polls."""
        return self._poll_interval

    def set_poll_interval(self, poll_interval: Any) -> None:
        """Change the seconds between two polls."""
        self._poll_interval = poll_interval
