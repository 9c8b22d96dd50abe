"""Whether production was ever wanted to run what it must not; it knows none of the pack's code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.histories.lane import BAKE, CANARIES, PEOPLE, Lane

STATE = {
    "advertise_canary": "deploying",
    "promote": "deploying",
    "roll_back": "deploying",
    "break_glass": "deploying",
    "restore": "restoring",
    "confirm": "healthy",
    "degrade": "degraded",
    "stop": "stopped",
}
MOVES = ("advertise_canary", "promote", "roll_back", "break_glass", "restore")
STOPS = {"promote": ("lock", "freeze", "pin"), "advertise_canary": ("lock",)}


@dataclass
class Ring:
    """What the history so far says of a ring."""

    wanted: str | None = None
    state: str = "empty"
    healthy_since: float = 0.0
    good: set[str] = field(default_factory=set)


class Referee:
    """Goes through the history of *lane* from its beginning."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._rings = {"canary": Ring(), "production": Ring()}
        self._holds: dict[str, str] = {}  # by kind, the version of a pin
        self._vetoed: set[str] = set()
        self._rolled_back: set[str] = set()
        self._reviews: dict[str, dict[str, bool]] = {}
        self._ends = self._ended_executions()
        self.allowed: set[str] = set()
        self.seen: Counter[str] = Counter()

    def judge(self) -> None:
        """Look at every change, and at every version that a production host ever installed."""
        entries = list(self._lane.keys("history/").values())
        assert [entry["generation"] for entry in entries] == list(range(1, len(entries) + 1))
        for entry in entries:
            self._judge(entry)
            self.seen[entry["what"]] += 1
        for machine in self._lane.production:
            log = machine.folder / "installs"
            ran = set(log.read_text().split()) if log.exists() else set()
            assert ran <= self.allowed, f"{machine.name} ran {ran - self.allowed}"
        assert self._lane.wanted("production") == (self._rings["production"].wanted or "")

    def _judge(self, entry: dict[str, Any]) -> None:
        what, ring = entry["what"], self._rings[entry["ring"]]
        if what in MOVES:
            assert entry["from"] == ring.wanted
            assert what == "break_glass" or entry["ring"] == "production" or not self._is_bad(entry)
        getattr(self, f"_{what}", self._hold)(entry, ring)
        if what in STATE:
            ring.state = STATE[what] if entry["to"] else "empty"
        if what in MOVES:
            ring.wanted = entry["to"]

    def _is_bad(self, entry: dict[str, Any]) -> bool:
        """Whether CI did not pass what a ring is to run."""
        return entry["to"] is not None and entry["to"] not in self._lane.passed

    def _advertise_canary(self, entry: dict[str, Any], ring: Ring) -> None:
        self._nothing_holds(entry)
        self._rolled_back.discard(entry["to"])
        said = self._reviews.get(entry["to"], {})
        self._reviews[entry["to"]] = {who: approves for who, approves in said.items() if not approves}

    def _promote(self, entry: dict[str, Any], ring: Ring) -> None:
        canary, version = self._rings["canary"], entry["to"]
        self._nothing_holds(entry)
        assert (version, "healthy") == (canary.wanted, canary.state), "it was no healthy canary"
        assert self._end(entry) - canary.healthy_since >= BAKE, "it had not baked"
        assert version in self._lane.passed, "CI did not pass it"
        assert version not in self._rolled_back, "production was rolled back from it"
        reviews = self._reviews.get(version, {})
        assert all(reviews.values()), "it was rejected"
        assert set(reviews) - {self._lane.passed[version]}, "nobody but its author approved"
        assert not self._certainly_fired(entry["when"]), "an alarm fired"
        for machine in self._lane.machines[:CANARIES]:
            assert version in (machine.folder / "installs").read_text().split()
        self.allowed.add(version)

    def _break_glass(self, entry: dict[str, Any], ring: Ring) -> None:
        assert entry["who"] in PEOPLE[:2]
        assert entry["to"] not in self._vetoed
        self.allowed.add(entry["to"])

    def _confirm(self, entry: dict[str, Any], ring: Ring) -> None:
        ring.healthy_since = entry["when"]
        if ring.wanted:
            ring.good.add(ring.wanted)

    def _degrade(self, entry: dict[str, Any], ring: Ring) -> None:
        raise AssertionError("no host may fail: the budget is 0")

    def _roll_back(self, entry: dict[str, Any], ring: Ring) -> None:
        self._goes_back(entry, ring)
        if entry["ring"] == "production":
            self._rolled_back.add(entry["from"])

    def _restore(self, entry: dict[str, Any], ring: Ring) -> None:
        assert ring.state != "healthy"
        again = ring.state == "restoring" and entry["to"] != ring.wanted
        assert not again or ring.wanted in self._vetoed, "a failed deploy goes one step back, however often"
        self._goes_back(entry, ring)

    def _goes_back(self, entry: dict[str, Any], ring: Ring) -> None:
        assert entry["to"] is None or entry["to"] in ring.good - self._vetoed

    def _stop(self, entry: dict[str, Any], ring: Ring) -> None:
        assert ring.state != "healthy"

    def _approve(self, entry: dict[str, Any], ring: Ring) -> None:
        self._reviews.setdefault(str(ring.wanted), {})[entry["who"]] = True

    def _reject(self, entry: dict[str, Any], ring: Ring) -> None:
        self._reviews.setdefault(str(ring.wanted), {})[entry["who"]] = False

    def _steal_lock(self, entry: dict[str, Any], ring: Ring) -> None:
        self._holds["lock"] = ""
        if entry["why"].startswith("from the deploy to"):
            ring.state = "stopped"

    def _veto(self, entry: dict[str, Any], ring: Ring) -> None:
        self._vetoed.add(entry["why"].partition(":")[0])

    def _hold(self, entry: dict[str, Any], ring: Ring) -> None:
        kind = entry["what"].removeprefix("end_")
        if entry["what"] == kind:
            self._holds[kind] = entry["why"].partition(":")[0]
        else:
            del self._holds[kind]

    def _nothing_holds(self, entry: dict[str, Any]) -> None:
        assert entry["to"] not in self._vetoed
        for kind in STOPS[entry["what"]]:
            pinned = kind == "pin" and self._holds.get(kind) == entry["to"]
            assert kind not in self._holds or pinned, f"a {kind} holds it"

    def _certainly_fired(self, when: float) -> list[dict[str, Any]]:
        """The alarms that somebody saw taken in before *when*, and that nobody may have ended since."""
        told = [deed for deed in self._lane.deeds if deed.action == "alarm_raised"]
        counts = {*(machine.name for machine in self._lane.machines[:CANARIES]), ""}
        found = []
        for deed in told:
            alarm = (deed.parameters["host"], deed.parameters["check"])
            same = [d for d in told if (d.parameters["host"], d.parameters["check"]) == alarm]
            over = [d for d in same if d.parameters["status"] != "firing" and deed.began < d.began < when]
            fires = deed.parameters["status"] == "firing" and alarm[0] in counts
            if fires and deed.status == "succeeded" and deed.ended < when and not over:
                found.append(deed.parameters)
        return found

    def _end(self, entry: dict[str, Any]) -> float:
        """When the execution that wrote *entry* ended; it may have decided until then."""
        return self._ends.get(entry["execution"], float("inf"))

    def _ended_executions(self) -> dict[str, float]:
        query = "limit=100&action=cicd.promote_canary&include_attributes=end_timestamp"
        found = self._lane.stackstorm.rest.get(f"/executions/?{query}")
        return {one["id"]: _seconds(one["end_timestamp"]) for one in found if one.get("end_timestamp")}


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
