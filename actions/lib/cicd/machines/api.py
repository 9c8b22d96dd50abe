"""HTTP with a provider of machines: asked again while it wants less, its silence as an error."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from cicd.clients.silence import was_not_asked
from cicd.errors import ProviderBusy, ProviderError, ProviderSilent

if TYPE_CHECKING:
    import requests

TIMEOUT_SECONDS = 30
PATIENCE_SECONDS = 60.0  # that one question waits, all in all, for a provider that wants less
RETRY_SECONDS = 5.0
TOO_MANY = 429
CONFIGURE = "Correct it under `machines.providers` in the pack's configuration; see docs/machines.md."
REACH = "Check `url` and `region` of the provider in the pack's configuration, and the way there."


def wants_less(answer: requests.Response) -> bool:
    """Whether *answer* says that too much was asked, and so that nothing was done."""
    return answer.status_code == TOO_MANY


@dataclass(frozen=True)
class Api:
    """The API of *provider*, as people call it, at *url*."""

    provider: str
    url: str
    wants_less: Callable[[requests.Response], bool] = wants_less

    def ask(self, method: str, path: str, makes: bool = False, **given: Any) -> requests.Response:
        """
        Return the answer to *method* at *path*, a success or a refusal; *given* are requests' own options.

        ProviderBusy when there is none; ProviderSilent instead, when the request *makes* something and may
        have done so.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._once(method, path, makes, **given)
            if not self.wants_less(answer):
                return self._understood(answer, makes)
            wait = _wait(answer)
            if time.monotonic() + wait > deadline:
                raise self._busy(f"{self.provider} wants fewer requests: {answer.status_code}.", wait)
            time.sleep(wait)

    def _once(self, method: str, path: str, makes: bool, **given: Any) -> requests.Response:
        import requests  # it takes long, and few actions ask for machines

        try:
            return requests.request(
                method, f"{self.url}{path}", timeout=TIMEOUT_SECONDS, allow_redirects=False, **given
            )
        except OSError as error:  # requests' own are kinds of OSError
            silence = f"{self.provider} at {self.url} does not answer ({type(error).__name__})."
            if makes and not was_not_asked(error):
                raise self._silent(silence) from None
            raise ProviderBusy(silence, REACH) from None

    def _understood(self, answer: requests.Response, makes: bool) -> requests.Response:
        said = f"{self.provider} at {self.url} answered {answer.status_code}."
        if answer.status_code >= 500:
            raise self._silent(said) if makes else self._busy(said, RETRY_SECONDS)
        if 300 <= answer.status_code < 400:
            raise ProviderError(said, "It leads elsewhere: correct `url` of the provider.")
        return answer

    def _busy(self, said: str, seconds: float) -> ProviderBusy:
        return ProviderBusy(said, f"Try again in {seconds:.0f} s.", seconds)

    def _silent(self, said: str) -> ProviderSilent:
        hint = "A machine may have been made. Try again: it is looked for before another is made."
        return ProviderSilent(said, hint)


def _wait(answer: requests.Response) -> float:
    """Return for how many seconds *answer* wants to be left alone; clocks may differ, so no date is read."""
    after = answer.headers.get("Retry-After", "")
    return max(1.0, float(after)) if after.isdecimal() else RETRY_SECONDS
