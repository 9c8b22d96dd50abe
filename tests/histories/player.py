"""Somebody who does things to a project by chance, through StackStorm's API, while others do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

import httpx

from tests.conformance.rest import COMPLETED
from tests.histories.lane import BAKE, COMMANDER, PEOPLE, WAIT_SECONDS, Deed, Lane

RINGS = ("canary", "production")
KINDS = {"lock": ("lock_deploys", "unlock_deploys"), "freeze": ("freeze", "thaw")}
CHECKS = ("errors", "latency")
PATIENCE_SECONDS = 20  # then somebody looks after something else


class Player:
    """One of PEOPLE, who takes *steps* steps."""

    def __init__(self, lane: Lane, who: str, seed: int, steps: int) -> None:
        self.lane, self.who, self._steps = lane, who, steps
        self.chance = Random(seed)
        self.failure: BaseException | None = None

    def play(self) -> None:
        try:
            for _ in range(self._steps):
                self.chance.choice(COMMANDS)(self)
        except BaseException as failure:
            self.failure = failure

    def asks(self, action: str, who: str = "", patience: float = WAIT_SECONDS, **parameters: Any) -> Deed:
        """Ask for *action* as *who*, and look for its end for *patience* seconds."""
        known = {"project": self.lane.project, **parameters}
        deed = Deed(who or self.who, action, known, time.time())
        self.lane.deeds.append(deed)
        body = {"action": f"cicd.{action}", "parameters": known}
        return self._follow(deed, "/executions", body, patience)

    def asks_again(self, deed: Deed, tasks: list[str]) -> None:
        """Run the execution of *deed* again, or only *tasks* of it."""
        again = Deed(self.who, deed.action, deed.parameters, time.time())
        self.lane.deeds.append(again)
        body = {"tasks": tasks, "reset": tasks}
        self._follow(again, f"/executions/{deed.execution}/re_run", body, WAIT_SECONDS)

    def _follow(self, deed: Deed, path: str, body: dict[str, Any], patience: float) -> Deed:
        deadline = time.monotonic() + patience
        answer = self._answer(deed.who, "POST", path, body)
        deed.execution = answer.get("id", "")
        while deed.execution and time.monotonic() < deadline and not deed.status:
            time.sleep(0.3)
            found = self._answer(deed.who, "GET", f"/executions/{deed.execution}?include_attributes=status")
            if found.get("status") in COMPLETED:
                deed.status, deed.ended = found["status"], time.time()
        return deed

    def _answer(self, who: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        try:
            found = self.lane.stackstorm.ask(who, method, path, body)
        except (httpx.HTTPError, RuntimeError):  # it was killed just now
            time.sleep(0.5)
            return {}
        return dict(found.json()) if found.status_code < 300 else {}

    def generation(self, ring: str) -> int:
        return int(self.lane.ring(ring).get("generation", 0))

    # --- what takes several ------------------------------------------------------------------------

    def release(self) -> None:
        """Take a commit all the way, in vain when others come between."""
        self.asks("deploy", version=self.lane.build(self.who, True))
        self.go_up()

    def go_up(self) -> None:
        """Take the canary to production, approved by somebody else."""
        canary = self.lane.wanted("canary")
        author = self.lane.passed.get(canary, "")
        time.sleep(BAKE)
        if canary:
            self.asks("approve", next(name for name in PEOPLE if name != author), version=canary)
        self.asks("deploy_production")

    def push(self) -> None:
        self.asks("deploy", version=self.lane.build(self.who, self.chance.random() < 0.7))

    def reviews(self, what: str) -> None:
        if canary := self.lane.wanted("canary"):
            self.asks(what, version=canary, reason="because")

    def alarm(self, status: str) -> None:
        """An alarm as its monitoring system reports it, or by a webhook without an answer."""
        host = self.chance.choice([*[m.name for m in self.lane.machines], ""])
        told = {"host": host, "check": self.chance.choice(CHECKS), "source": "grafana", "status": status}
        if self.chance.random() < 0.7:
            self.asks("alarm_raised", "stanley", **told)
        else:
            self.lane.deeds.append(Deed("stanley", "alarm_raised", told, time.time()))
            self._answer(self.who, "POST", "/webhooks/cicd/alarm", {"project": self.lane.project, **told})

    def ends_the_alarms(self) -> None:
        """Resolve whatever fires, as the command in the refusal does."""
        fired = [d.parameters for d in self.lane.deeds if d.action == "alarm_raised"]
        known = {(told["host"], told["check"]) for told in fired if told["status"] == "firing"}
        for host, check in sorted(known):
            told = {"host": host, "check": check, "source": "grafana", "status": "resolved"}
            self.asks("alarm_raised", **told)

    def holds(self) -> None:
        kind = self.chance.choice(sorted(KINDS))
        self.asks(KINDS[kind][0], reason="because")
        time.sleep(self.chance.random())
        self.asks(KINDS[kind][1])

    def ends_what_holds(self) -> None:
        for kind in KINDS:
            self.asks(KINDS[kind][1])
        self.asks("unpin_version")

    def breaks_the_glass(self) -> None:
        named = {"version": self.lane.some_version(self.chance), "role": COMMANDER, "reason": "an outage"}
        self.asks("break_glass", **named)

    def steps_in(self) -> None:
        """Call a step of a deploy by itself."""
        ring = self.chance.choice(RINGS)
        asked = {"ring": ring, "generation": self.generation(ring)}
        step = self.chance.choice(("confirm_ring", "undo_deploy", "update_ring", "retry_hosts"))
        self.asks(step, **({"ring": ring} if step == "retry_hosts" else asked))

    def cancels(self) -> None:
        running = [deed for deed in self.lane.deeds if deed.execution and not deed.status]
        if running:
            self._answer(self.who, "DELETE", f"/executions/{self.chance.choice(running).execution}")

    def runs_again(self) -> None:
        done = [deed for deed in self.lane.deeds if deed.execution]
        if done:
            tasks = self.chance.choice(([], [], ["update_ring"], ["promote_canary"], ["advertise_canary"]))
            self.asks_again(self.chance.choice(done), tasks)

    def breaks_or_mends_a_host(self) -> None:
        machine = self.chance.choice(self.lane.machines)
        fault = self.chance.choice(("", "", "install", "health", "slow"))
        (machine.folder / "bad").write_text(self.lane.wanted("canary"))
        machine.break_with(fault)

    def impatient(self) -> None:
        """Begin a deploy and turn to something else before it ends."""
        self.asks("deploy", patience=0, version=self.lane.build(self.who, True))


Command = Callable[[Player], object]
COMMANDS: tuple[Command, ...] = (
    *(5 * [Player.release]),
    *(4 * [Player.go_up]),
    *(3 * [Player.push]),
    *(2 * [Player.impatient]),
    *(3 * [Player.ends_the_alarms]),
    *(2 * [Player.ends_what_holds]),
    *(2 * [Player.breaks_or_mends_a_host]),
    *(2 * [Player.cancels]),
    *(2 * [Player.runs_again]),
    *(2 * [Player.steps_in]),
    *(2 * [lambda p: p.alarm("firing")]),
    *(2 * [lambda p: p.asks("rollback", ring="production")]),
    lambda p: p.asks("rollback", ring="canary"),
    lambda p: p.asks("deploy", version=p.lane.some_version(p.chance)),
    lambda p: p.asks("deploy_production"),
    lambda p: p.asks("deploy_production", patience=0),
    lambda p: p.reviews("approve"),
    lambda p: p.reviews("reject"),
    lambda p: p.holds(),
    lambda p: p.asks("pin_version", version=p.lane.some_version(p.chance), reason="because"),
    lambda p: p.asks("veto_version", version=p.lane.some_version(p.chance), reason="because"),
    lambda p: p.asks("steal_lock", reason="because"),
    lambda p: p.breaks_the_glass(),
    lambda p: p.lane.stackstorm.kill_a_step(p.chance),
)


def play(lane: Lane, seed: int, players: int, steps: int) -> None:
    """Let *players* act at the same time, *steps* times each, and wait for the end of all that they began."""
    chance = Random(seed)
    lane.begin()
    Player(lane, PEOPLE[0], seed, 0).release()
    cast = [Player(lane, who, chance.getrandbits(32), steps) for who in PEOPLE[:players]]
    threads = [threading.Thread(target=player.play, name=f"{lane.project} {player.who}") for player in cast]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for player in cast:
        if player.failure:
            raise player.failure
    lane.settle()
