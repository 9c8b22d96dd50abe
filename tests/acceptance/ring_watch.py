"""What Consul's checks say of every host of a project, sampled all the time."""

from __future__ import annotations

import threading
import time

import requests

EVERY_SECONDS = 0.25


class RingWatch:
    """Asks Consul all the time, in a `with` block, and keeps each sample in which a check failed."""

    def __init__(self, world, project: str) -> None:
        self._url = f"{world.description['consul']['url']}/v1/health/service/{project}"
        self._done = threading.Event()
        self._began = time.monotonic()
        self.samples = 0
        self.out: list[dict] = []
        self.most_out = 0  # hosts, in one sample
        self._thread = threading.Thread(target=self._look_on)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _look_on(self) -> None:
        with requests.Session() as session:
            while not self._done.wait(EVERY_SECONDS):
                entries = session.get(self._url, timeout=30).json()
                self.samples += 1
                found = [
                    {
                        "host": entry["Node"]["Node"],
                        "after": round(time.monotonic() - self._began, 1),
                        "check": check["CheckID"],
                        "output": check["Output"] or check["Notes"],
                    }
                    for entry in entries
                    for check in entry["Checks"]
                    if check["Status"] != "passing"
                ]
                self.out += found
                self.most_out = max(self.most_out, len({one["host"] for one in found}))
