"""A client that keeps asking through HAProxy, whatever is deployed meanwhile."""

import json
import threading
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from urllib.parse import urlsplit


class SteadyClient:
    """Asks all the time, on kept connections and on new ones, in a `with` block."""

    def __init__(self, world) -> None:
        proxy = world.description["haproxy"]
        self._address = urlsplit(proxy["url"]).netloc
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
        connection = HTTPConnection(self._address, timeout=10)
        while not self._done.wait(0.1):
            try:
                self._answers.append(_version(connection, headers))
            except (OSError, HTTPException, ValueError, KeyError) as error:
                connection.close()
                if self._answers:  # before the first deploy there is nobody to answer
                    self.failures.append(repr(error))
            if not kept:
                connection.close()
        connection.close()


def _version(connection: HTTPConnection, headers: dict[str, str]) -> str:
    """Return the version that answers.

    A kept connection that was closed while it was idle is opened again, as a browser does.
    """
    is_kept = connection.sock is not None
    try:
        return _asked(connection, headers)
    except (RemoteDisconnected, BrokenPipeError):
        if not is_kept:
            raise
        connection.close()
        return _asked(connection, headers)


def _asked(connection: HTTPConnection, headers: dict[str, str]) -> str:
    connection.request("GET", "/version", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise HTTPException(f"status {answer.status}")
    return str(json.loads(body)["version"])
