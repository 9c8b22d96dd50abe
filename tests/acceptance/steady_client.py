"""A client that keeps asking through HAProxy, whatever is deployed meanwhile."""

import threading

import requests


class SteadyClient:
    """Asks all the time, on kept connections and on new ones, in a `with` block."""

    def __init__(self, world) -> None:
        proxy = world.description["haproxy"]
        self._url = f"{proxy['url']}/version"
        self._done = threading.Event()
        self._answers: list[str] = []
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._ask, args=(kept, headers))
            for kept in (True, False)
            for headers in ({}, {proxy["canary_header"]: "1"})
        ]

    @property
    def count(self) -> int:
        """How many requests were answered so far."""
        return len(self._answers)

    def answers(self, since: int) -> list[str]:
        """Return the versions that answered after the first *since* requests."""
        return self._answers[since:]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, kept: bool, headers: dict[str, str]) -> None:
        with requests.Session() as session:
            while not self._done.wait(0.1):
                try:
                    answer = (session if kept else requests).get(self._url, headers=headers, timeout=10)
                    answer.raise_for_status()
                    self._answers.append(answer.json()["version"])
                except requests.RequestException as error:
                    if self._answers:  # before the first deploy there is nobody to answer
                        self.failures.append(repr(error))
