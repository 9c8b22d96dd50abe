"""Wrong passwords: after a few, a user has to wait before the next one is looked at."""

from __future__ import annotations

import threading
import time

from st2local.errors import AuthError

FREE, FIRST_SECONDS, LONGEST_SECONDS = 5, 1.0, 60.0
REMEMBERED = 10_000  # users; more are only made up


class Attempts:
    """The wrong passwords of each user since the last right one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, float]] = {}

    def refuse(self, user: str) -> None:
        """Raise AuthError while *user* has to wait."""
        with self._lock:
            _, until = self._known.get(user, (0, 0.0))
        left = until - time.monotonic()
        if left > 0:
            raise AuthError(f"Too many wrong passwords for {user}; wait {left:.0f} s.")

    def failed(self, user: str) -> None:
        """Note a wrong password: each one beyond the first few doubles the wait."""
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            count = self._known.get(user, (0, 0.0))[0] + 1
            beyond = min(count - FREE, 10)
            wait = min(FIRST_SECONDS * 2**beyond, LONGEST_SECONDS) if beyond >= 0 else 0.0
            self._known[user] = count, time.monotonic() + wait

    def succeeded(self, user: str) -> None:
        """Forget the wrong passwords of *user*."""
        with self._lock:
            self._known.pop(user, None)
