"""The one place where the pack meets StackStorm's sensors: the base class of those that poll."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Callable, Mapping, Sequence

from st2reactor.sensor.base import PollingSensor

from cicd import config, proxies
from cicd.config import Settings
from cicd.errors import CicdError
from cicd.sanitize import neutral_data
from cicd.setup.sensor_life import Life, digest

# StackStorm starts a sensor anew that ended, but gives up one that ended thrice in its first ten seconds.
SETTLED_SECONDS = 30


class NotDispatched(Exception):
    """StackStorm did not take what a sensor found."""


class CicdSensor(PollingSensor):  # type: ignore[misc]  # StackStorm ships no types
    """
    A sensor that looks for what a lost message or a silent host hides.

    A subclass defines `look(settings)`, or `looks()` for several that do not stop each other.
    It takes the configuration anew at each poll. What troubles a look is logged once, and its
    end, too. Nothing escapes a poll but that StackStorm takes no trigger: the connections of this
    process to its message bus do not come back, so it ends, and StackStorm starts another one.
    """

    config: Any

    def setup(self) -> None:
        proxies.spare_loopback()
        self._logger = self.sensor_service.get_logger(name=self.__class__.__name__)
        self._began = time.monotonic()
        self._said: dict[str, str] = {}
        self._life = Life(self.__class__.__name__, self._poll_interval)
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
        if self._try("configuration", self._configure):
            return
        self._try("projects", self._settings.refuse_unusable)
        tried = [self._try(look.__name__, partial(look, self._settings)) for look in self.looks()]
        untold = [error for error in tried if isinstance(error, NotDispatched)]
        self._try("sign of life", self._live)
        if untold and time.monotonic() - self._began >= SETTLED_SECONDS:
            self._logger.error("It ends, so that StackStorm starts it again: %s", untold[0])
            raise untold[0]

    def dispatch(self, trigger: str, payload: Mapping[str, object], trace: str = "") -> None:
        """Tell StackStorm of *payload*, made neutral, on the trace tag *trace* if there is one."""
        told = neutral_data(payload)
        try:
            self.sensor_service.dispatch(trigger=trigger, payload=told, trace_tag=trace or None)
        except Exception as error:
            raise NotDispatched(f"{trigger} could not be dispatched ({type(error).__name__})") from error

    def _configure(self) -> None:
        self.config = _registered(self.config)
        self._settings = config.parse(self.config)
        proxies.spare_site(self._settings)

    def _live(self) -> None:
        trouble = next(filter(None, self._said.values()), "")
        before = self._life.sign(self._settings, digest(self.config), trouble)
        if before:
            self._logger.info("It works again; the process before had this: %s", before)

    def _try(self, what: str, act: Callable[[], None]) -> Exception | None:
        try:
            act()
            self._say(what, "")
            return None
        except CicdError as error:
            self._say(what, f"{error.message} {error.hint}")
            return error
        except NotDispatched as error:
            self._say(what, f"{error}.")
            return error
        except Exception as error:
            sentence = f"{type(error).__name__} in {what}."
            if sentence != self._said.get(what):
                self._logger.exception("poll failed")
            self._said[what] = sentence
            return error

    def _say(self, what: str, sentence: str) -> None:
        """Log *sentence* unless it was said already, and an empty one as the end of what was said."""
        before, self._said[what] = self._said.get(what, ""), sentence
        if sentence and sentence != before:
            self._logger.warning("%s", sentence)
        elif before and not sentence:
            self._logger.info("It works again (%s); this is over: %s", what, before)

    def cleanup(self) -> None:
        pass

    def add_trigger(self, trigger: Any) -> None:
        pass

    def update_trigger(self, trigger: Any) -> None:
        pass

    def remove_trigger(self, trigger: Any) -> None:
        pass


def _registered(given: Any) -> Any:
    """Return the configuration as StackStorm has it now; *given* where that starts sensors anew for it."""
    try:
        from st2common.util.config_loader import ContentPackConfigLoader
    except ImportError:
        return given
    return ContentPackConfigLoader(pack_name="cicd").get_config()
