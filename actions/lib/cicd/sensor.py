"""The one place where the pack meets StackStorm's sensors: the base class of those that poll."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from st2reactor.sensor.base import PollingSensor

from cicd import config, proxies
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.text import neutral_data


class CicdSensor(PollingSensor):  # type: ignore[misc]  # StackStorm ships no types
    """
    A sensor that looks for what a lost message or a silent host hides.

    A subclass defines `look(settings)`, or `looks()` for several that do not stop each other.
    StackStorm gives a sensor up for good after three failures, so nothing escapes a poll;
    what troubles a look is logged once, not at every poll.
    """

    def setup(self) -> None:
        proxies.spare_loopback()
        self._logger = self.sensor_service.get_logger(name=self.__class__.__name__)
        self._said: dict[str, str] = {}
        self.prepare()

    def prepare(self) -> None:
        """Make what is kept between polls."""

    def looks(self) -> Sequence[Callable[[Settings], None]]:
        """Return what a poll does, one after the other."""
        return (self.look,)

    def look(self, settings: Settings) -> None:
        """Look once, and dispatch what was found."""
        raise NotImplementedError

    def poll(self) -> None:
        for look in self.looks():
            try:
                look(config.parse(self.config))
                self._said[look.__name__] = ""
            except CicdError as error:
                self._say_once(look.__name__, f"{error.message} {error.hint}")
            except Exception:
                self._logger.exception("poll failed")

    def dispatch(self, trigger: str, payload: Mapping[str, Any], trace: str = "") -> None:
        """Tell StackStorm of *payload*, made neutral, on the trace tag *trace* if there is one."""
        told = neutral_data(payload)
        self.sensor_service.dispatch(trigger=trigger, payload=told, trace_tag=trace or None)

    def _say_once(self, look: str, sentence: str) -> None:
        if sentence != self._said.get(look):
            self._logger.warning("%s", sentence)
        self._said[look] = sentence

    def cleanup(self) -> None:
        pass

    def add_trigger(self, trigger: Any) -> None:
        pass

    def update_trigger(self, trigger: Any) -> None:
        pass

    def remove_trigger(self, trigger: Any) -> None:
        pass
