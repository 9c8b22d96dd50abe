"""What a spectator sees of a project, and whether its history kept the rules; it knows none of the code."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import requests

from tests.lib.stage import BAKE, HOSTS, PROJECT, ROLES, Deed, World, commits

RINGS = ("canary", "production")
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
# A deploy says neither which hosts are excused nor whether there is anything to go back to: the record does.
ASKED = {"degrade": "confirm", "stop": "restore"}
BUDGET = 1
TAKES_OVER = ("roll_back", "break_glass", "steal_lock")
Keys = Mapping[str, tuple[int, str]]


def history(keys: Keys, project: str) -> list[tuple[int, dict]]:
    """Return the history entries of *project*, each with when it was written (Consul's index)."""
    prefix = f"cicd/{project}/history/"
    return [(at, json.loads(text)) for key, (at, text) in sorted(keys.items()) if key.startswith(prefix)]


class Spectator:
    """Looks at everything, in a `with` block, each time that anything changed: one look is one moment."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done, self._thread = threading.Event(), threading.Thread(target=self._watch, name="spectator")
        self.seen: dict[int, dict[str, str | None]] = {}
        self.keys: Keys = {}
        self.failure: BaseException | None = None

    def __enter__(self) -> Spectator:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        if self.failure:
            raise self.failure

    def _watch(self) -> None:
        index = 0
        try:
            with requests.Session() as session:
                while not self._done.is_set():
                    index = self._look(session, index)
                self._look(session, 0)
        except BaseException as failure:
            self.failure = failure

    def _look(self, session: requests.Session, index: int) -> int:
        query = f"recurse&consistent&wait=300ms&index={index}"
        answer = session.get(f"{self._url}/v1/kv/?{query}", timeout=10)
        items = answer.json() if answer.ok else []
        self.keys = {i["Key"]: (i["CreateIndex"], base64.b64decode(i["Value"] or "").decode()) for i in items}
        if f"cicd/{PROJECT}/release" in self.keys:
            self._all_that_one_change_writes_agrees()
        return int(answer.headers["X-Consul-Index"])

    def _all_that_one_change_writes_agrees(self) -> None:
        known = json.loads(self.keys[f"cicd/{PROJECT}/release"][1])
        entries = [entry for _, entry in history(self.keys, PROJECT)]
        assert [entry["generation"] for entry in entries] == list(range(1, known["generation"] + 1))
        wanted = {ring: (known[ring]["wanted"] or {}).get("version") for ring in RINGS}
        assert wanted[entries[-1]["ring"]] == entries[-1]["to"]
        for ring, name in (("production", "version"), ("canary", "canary_version")):
            assert self.keys.get(f"{PROJECT}::{name}", (0, None))[1] == wanted[ring]
            document = self.keys[f"cicd/{PROJECT}/wanted/{ring}"][1].splitlines()
            assert f"version={wanted[ring] or ''}" in document
            assert f"generation={known[ring]['generation']}" in document
        self.seen[known["generation"]] = wanted


@dataclass
class Ring:
    """What the history so far says of a ring."""

    wanted: str | None = None
    state: str = "empty"
    generation: int = 0
    begun: float = 0.0
    healthy_since: float = 0.0
    good: dict[str, str] = field(default_factory=dict)  # by version, whose it was
    author: str = ""


class Audit:
    """Goes through the history of a project and of everything, in the order in which it was written."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rings = {ring: Ring() for ring in RINGS}
        self._holds: dict[str, dict[str, tuple[str, str]]] = {PROJECT: {}, "everything": {}}
        self._vetoed: set[str] = set()
        self._reviews: dict[str | None, dict[str, bool]] = {}  # by version, then by person
        self._rolled_back: set[str | None] = set()
        self._allowed: set[str | None] = {None}

    def pass_(self, spectator: Spectator) -> None:
        """Look at every change, at who claims it, and at what the spectator saw at that moment."""
        entries = [e for project in self._holds for e in history(spectator.keys, project)]
        for _, entry in sorted(entries, key=lambda one: one[0]):
            self._judge(entry, self._deed(entry))
            assert self._rings["production"].wanted in self._allowed
            wanted = {ring: self._rings[ring].wanted for ring in RINGS}
            if entry["project"] == PROJECT:
                assert spectator.seen.get(entry["generation"], wanted) == wanted
        self._nothing_done_is_lost({(e["project"], e["generation"]): e for _, e in entries})

    def _nothing_done_is_lost(self, entries: Mapping[tuple[str, int], dict]) -> None:
        done = [deed for deed in self._world.deeds if deed.generation]
        claimed = [(deed.project, deed.generation) for deed in done]
        assert len(claimed) == len(set(claimed)), "two were told that they made the same change"
        for deed in done:
            found = entries[deed.project, deed.generation]
            assert (found["execution"], ASKED.get(found["what"], found["what"])) == (
                deed.execution,
                deed.what,
            )

    def _deed(self, entry: dict) -> Deed:
        """Whose change *entry* is: of one who was told so, or of one who died before hearing it."""
        place = (entry["project"], entry["generation"])
        asked = (entry["execution"], ASKED.get(entry["what"], entry["what"]))
        same = [d for d in self._world.deeds if (d.execution, d.what) == asked]
        done = [deed for deed in same if (deed.project, deed.generation) == place]
        died = [deed for deed in same if not deed.generation and not deed.said]
        assert done or died, f"nobody did {entry}"
        return (done or died)[0]

    def _judge(self, entry: dict, deed: Deed) -> None:
        ring, what = self._rings[entry["ring"]], entry["what"]
        if entry["project"] == PROJECT:
            assert entry["from"] == ring.wanted
        judge = getattr(self, f"_{what}", None)
        if judge:
            judge(entry, deed, ring)
        else:
            self._hold(entry, deed)
        if what in STATE:
            ring.state = STATE[what] if entry["to"] else "empty"
        if what in ("advertise_canary", "promote", "roll_back", "break_glass", "restore"):
            ring.wanted, ring.generation, ring.begun = entry["to"], entry["generation"], deed.began

    def _advertise_canary(self, entry: dict, deed: Deed, ring: Ring) -> None:
        self._nobody_else_deploys(ring, deed)
        self._nothing_holds(("lock",), entry["to"])
        assert ring.wanted is None or commits(entry["to"]) >= commits(ring.wanted)
        self._rolled_back.discard(entry["to"])
        said = self._reviews.get(entry["to"], {})
        self._reviews[entry["to"]] = {who: approves for who, approves in said.items() if not approves}
        ring.author = entry["who"]

    def _confirm(self, entry: dict, deed: Deed, ring: Ring) -> None:
        assert deed.asked == ring.generation, "a deploy that was overtaken ended well"
        if ring.wanted:
            there = HOSTS[entry["ring"]]
            failed = {h for r, g, h in self._world.failed if (r, g) == (entry["ring"], ring.generation)}
            excused = failed if entry["what"] == "degrade" else set()
            ran = [h for h in there if self._world.may_have_run(h, ring.wanted, deed.began, deed.ended)]
            assert set(there) - set(ran) <= excused, "who was never recorded as failed was excused"
            assert len(ran) >= len(there) - BUDGET
            if entry["what"] == "confirm":
                ring.good[ring.wanted] = ring.author
        ring.healthy_since = entry["when"]

    _degrade = _confirm

    def _promote(self, entry: dict, deed: Deed, ring: Ring) -> None:
        canary = self._rings["canary"]
        self._nobody_else_deploys(ring, deed)
        self._nothing_holds(("lock", "freeze", "pin"), entry["to"])
        assert (entry["to"], "healthy") == (canary.wanted, canary.state)
        assert deed.ended - canary.healthy_since >= BAKE
        assert all(
            self._world.may_have_run(host, entry["to"], deed.began, deed.ended) for host in HOSTS["canary"]
        )
        assert ring.wanted is None or commits(entry["to"]) >= commits(ring.wanted)
        assert entry["to"] not in self._rolled_back
        reviews = self._reviews.get(entry["to"], {})
        assert all(reviews.values())
        assert set(reviews) - {canary.author}, "nobody but its author approved"
        self._allowed.add(entry["to"])

    def _roll_back(self, entry: dict, deed: Deed, ring: Ring) -> None:
        self._goes_back(entry, ring)
        if entry["ring"] == "production":
            self._rolled_back.add(entry["from"])

    def _restore(self, entry: dict, deed: Deed, ring: Ring) -> None:
        assert deed.asked == ring.generation
        assert ring.state != "healthy"
        again = ring.state == "restoring" and entry["to"] != ring.wanted
        assert not again or ring.wanted in self._vetoed, "a failed deploy goes one step back, however often"
        if entry["to"]:
            self._goes_back(entry, ring)

    def _stop(self, entry: dict, deed: Deed, ring: Ring) -> None:
        assert deed.asked == ring.generation
        assert ring.state != "healthy"

    def _goes_back(self, entry: dict, ring: Ring) -> None:
        assert entry["to"] in set(ring.good) - self._vetoed
        ring.author = ring.good[entry["to"]]

    def _break_glass(self, entry: dict, deed: Deed, ring: Ring) -> None:
        assert entry["who"] in ROLES["incident_commander"]
        assert entry["to"] not in self._vetoed
        self._allowed.add(entry["to"])

    def _approve(self, entry: dict, deed: Deed, ring: Ring) -> None:
        self._review(entry, True)

    def _reject(self, entry: dict, deed: Deed, ring: Ring) -> None:
        self._review(entry, False)

    def _review(self, entry: dict, approves: bool) -> None:
        self._reviews.setdefault(self._rings["canary"].wanted, {})[entry["who"]] = approves

    def _steal_lock(self, entry: dict, deed: Deed, ring: Ring) -> None:
        self._holds[PROJECT]["lock"] = (entry["who"], "")
        if entry["why"].startswith("from the deploy to"):
            ring.state, ring.generation = "stopped", entry["generation"]

    def _veto(self, entry: dict, deed: Deed, ring: Ring) -> None:
        self._vetoed.add(entry["why"].partition(":")[0])

    def _hold(self, entry: dict, deed: Deed) -> None:
        present, kind = self._holds[entry["project"]], entry["what"].removeprefix("end_")
        if entry["what"] == kind:
            assert present.get(kind, (entry["who"],))[0] == entry["who"]
            present[kind] = (entry["who"], entry["why"].partition(":")[0])
        else:
            who, _ = present.pop(kind)
            assert kind != "lock" or who == entry["who"], "a lock ends by who put it"

    def _nothing_holds(self, kinds: Sequence[str], version: str) -> None:
        assert version not in self._vetoed
        for kind in kinds:
            for present in self._holds.values():
                assert kind not in present or (kind == "pin" and present[kind][1] == version)

    def _nobody_else_deploys(self, ring: Ring, deed: Deed) -> None:
        """The lock of an unended deploy passes to another one only when it ended, or was taken over."""
        if ring.state in ("deploying", "restoring"):
            freed = self._world.freed[deed.ring]
            overtaking = [d for d in self._world.deeds if d.what in TAKES_OVER and _concerns(d, deed.ring)]
            taken = [d for d in overtaking if d.began <= deed.ended and d.ended >= ring.begun]
            assert taken or [at for at in freed if ring.begun <= at <= deed.ended], "two deploys at once"


def _concerns(deed: Deed, ring: str) -> bool:
    return deed.ring == ring or deed.what == "steal_lock"  # a thief finds out by himself what locks
