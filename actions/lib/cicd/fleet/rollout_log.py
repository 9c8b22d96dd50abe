"""What is known of one rollout while it runs and afterwards, host by host, in Consul."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Container, cast

from cicd.config import Settings
from cicd.errors import ConsulError
from cicd.release import stop
from cicd.release.host_report import FAILED, HostReport
from cicd.release.rollout_record import (
    CANCELLED,
    ENDED,
    GAVE_NO_SIGN,
    RUNNING,
    SILENT_SECONDS,
    WAS_CANCELLED,
    HostOutcome,
    RolloutRecord,
    quiet_seconds,
    rollout_key,
)
from cicd.release.stop import Stop
from cicd.store.store import Store

BEAT_SECONDS = 10
KEPT = 20
UPDATE = "update hosts"
KEPT_FIELDS = HostOutcome.__annotations__


class Logbook:
    """
    The record `cicd/<project>/rollouts/<generation>`, in a `with` block once it `begins`.

    Its `at` (epoch seconds) is a sign of life, renewed while the block lasts, whatever the rollout
    waits for. Consul away for a moment costs a beat, not the rollout. A second rollout of one
    generation begins once the first gives no sign of life, and adds to what it left.
    """

    def __init__(self, settings: Settings, project: str, ring: str, generation: int) -> None:
        self._settings = settings
        self.key = key(project, generation)
        self._prefix = self.key.rpartition("/")[0] + "/"
        self._record: RolloutRecord = {
            "ring": ring,
            "generation": generation,
            "state": RUNNING,
            "batch": 0,
            "untouched": 0,
            "hosts": {},
        }
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Logbook:
        store = Store(self._settings)
        for old in sorted(store.keys(self._prefix))[:-KEPT]:
            store.delete(old)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if self._record["state"] == RUNNING:
            self._record["state"] = ENDED
        self._try_to_write()

    def begins(self) -> bool:
        """Begin, unless another rollout of this generation is under way; True if it began."""
        before, after = Store(self._settings).update(self.key, self._begun)
        return after != before

    def failed_besides(self, names: Container[str]) -> int:
        """Return how many hosts failed in this deploy already, not counting those called *names*."""
        hosts = self._record["hosts"].items()
        return sum(report.get("state") == FAILED for host, report in hosts if host not in names)

    def say(self, report: HostReport) -> None:
        """Keep what a host reported; it is written with the next beat or batch."""
        kept = {name: value for name, value in report._asdict().items() if name in KEPT_FIELDS and value}
        with self._lock:
            self._record["hosts"][report.host] = cast(HostOutcome, {**kept, "ended": time.time()})

    def write(self, changed: RolloutRecord | None = None) -> None:
        """Write the record now, with the fields *changed*."""
        with self._writing:
            with self._lock:
                self._record.update(changed or {})
                self._record["at"] = time.time()
                value = {**self._record, "hosts": dict(self._record["hosts"])}
            # A store of its own: the beat comes from another thread.
            Store(self._settings).put(self.key, value)

    def _begun(self, before: RolloutRecord) -> RolloutRecord:
        now = time.time()
        if before.get("state") == RUNNING and now - float(before.get("at", 0)) < SILENT_SECONDS:
            return before
        self._record.update({"hosts": dict(before.get("hosts") or {}), "at": now})
        return {**self._record}

    def _beat(self) -> None:
        while not self._done.wait(BEAT_SECONDS):
            self._try_to_write()

    def _try_to_write(self) -> None:
        try:
            self.write()
        except ConsulError:
            return


def failed(known: RolloutRecord) -> set[str]:
    """Return the hosts that failed in the rollout recorded as *known*; none before it came to its end."""
    hosts = known["hosts"] if known.get("state") == ENDED else {}
    return {host for host, report in hosts.items() if report.get("state") == FAILED}


def note(store: Store, project: str, ring: str, generation: int, ended: Stop) -> None:
    """Keep why a step of the deploy of *generation* failed; a rollout that begins again forgets it."""
    begun: RolloutRecord = {"ring": ring, "generation": generation, "hosts": {}, "at": ended.when}

    def noted(known: RolloutRecord) -> RolloutRecord:
        return {**(known or begun), "stop": stop.to_json(ended)}

    store.update(key(project, generation), noted)


def why_ended(known: RolloutRecord, since: float, now: float) -> Stop:
    """Return why the rollout recorded as *known* is over, although no step said that it ended well."""
    said = stop.from_json(known.get("stop"))
    if said:
        return said
    if known.get("state") == CANCELLED:
        return Stop(UPDATE, WAS_CANCELLED, when=now)
    quiet = quiet_seconds(known, since, now)
    return Stop("", f"{GAVE_NO_SIGN} {quiet:.0f} s: cancelled, or killed with its StackStorm.", when=now)


key = rollout_key
