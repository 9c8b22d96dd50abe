"""
A ring whose repository or whose dpkg is in trouble for minutes serves all the time, whatever is asked of it.

FAULT_MINUTES says how long each trouble lasts; what came of each is in build/troubles.json.
"""

from __future__ import annotations

import json
import os
import time

import pytest

from demo.stories import PROJECT, add_greeter, set_version
from demo.world import ROOT, wait_for
from tests.acceptance import troubles
from tests.acceptance.ring_watch import RingWatch
from tests.acceptance.troubles import Trouble

pytestmark = pytest.mark.faults
MINUTES = float(os.environ.get("FAULT_MINUTES") or 1)
RECOVERY_SECONDS = 300
FOUND = ROOT / "build" / "troubles.json"
UNREADABLE, LOCKED = "apt cannot read the repository", "another package manager is at work"
TROUBLES: dict[Trouble, str] = {
    troubles.a_repository_that_hangs: UNREADABLE,
    troubles.a_repository_that_refuses: UNREADABLE,
    troubles.a_repository_of_garbage: UNREADABLE,
    troubles.a_dpkg_that_is_locked: LOCKED,
}
# The rollbacks last: from then on every host of both rings tries by itself as long as the trouble lasts.
OPERATIONS = {
    "a promotion": ("cicd.deploy_production", {}),
    "a rollback of production": ("cicd.rollback", {"ring": "production"}),
    "a rollback of the canary": ("cicd.rollback", {"ring": "canary"}),
}


@pytest.fixture(scope="module")
def bring(teller):
    """A function that brings a new version as far as the canary and lets it bake, or to production."""
    numbers = iter(range(1, 100))
    major = 1000 + int(time.time()) % 100_000

    def push(to_production: bool) -> None:
        version = f"{major}.{next(numbers)}.0"

        def change(clone) -> None:
            add_greeter(clone)
            set_version(clone, version)

        trace = teller.push(f"Bring {version}", change)
        assert teller.follow(trace, "cicd.ci_success")["status"] == "succeeded"
        teller.wait_for_bake()
        if to_production:
            assert teller.promote(trace)["status"] == "succeeded"

    push(to_production=True)
    return push


def shown(stackstorm) -> dict:
    return stackstorm.run("cicd.get_release", project=PROJECT)["result"]["result"]


def ask(stackstorm, action: str, parameters: dict[str, str]) -> dict:
    """Run *action*, and return how it ended, what it said and how many seconds it took."""
    began = time.monotonic()
    ended = stackstorm.run(action, project=PROJECT, **parameters)
    error = ((ended["result"] or {}).get("output") or {}).get("error") or {}
    said = " ".join(error.get(key, "") for key in ("error", "hint"))
    return {"status": ended["status"], "said": said, "seconds": round(time.monotonic() - began)}


def at_rest(world, stackstorm) -> str:
    """Return what `get_release` says once both rings are healthy on every host; nothing until then."""
    known = shown(stackstorm)
    rings = [known[ring]["state"] for ring in ("canary", "production")]
    is_healthy = rings == ["healthy"] * 2 and all(world.healthy(PROJECT).values())
    return known["message"] if is_healthy else ""


@pytest.mark.parametrize("trouble", [pytest.param(one, id=one.__name__) for one in TROUBLES])
def test_a_ring_in_trouble_stays_in_traffic_and_gets_well_by_itself(
    world, stackstorm, bring, client, trouble
):
    bring(to_production=True)
    bring(to_production=False)
    answered, began = client.count, time.monotonic()
    with trouble(), RingWatch(world, PROJECT) as watch:
        asked = {words: ask(stackstorm, *operation) for words, operation in OPERATIONS.items()}
        meanwhile = shown(stackstorm)["message"]
        time.sleep(max(0, began + MINUTES * 60 - time.monotonic()))
        still = shown(stackstorm)["message"]
    answered, over = client.count - answered, time.monotonic()
    with RingWatch(world, PROJECT) as recovery:
        well = wait_for("the rings' recovery", lambda: at_rest(world, stackstorm), RECOVERY_SECONDS)
    write(
        trouble,
        minutes=MINUTES,
        asked=asked,
        meanwhile=meanwhile,
        still=still,
        answered=answered,
        samples=watch.samples,
        out=watch.out,
        most_out_in_recovery=recovery.most_out,
        seconds_to_recover=round(time.monotonic() - over),
        well=well,
    )

    for words, one in asked.items():
        assert one["status"] == "failed", words
        assert TROUBLES[trouble] in one["said"], words
    assert watch.out == []
    assert watch.samples > MINUTES * 60
    assert recovery.most_out <= len(world.healthy(PROJECT)) / 2
    assert "ROLLBACK FAILED" in meanwhile
    for ring in ("canary", "production"):
        advertised = world.key(f"{PROJECT}::{'canary_version' if ring == 'canary' else 'version'}")
        for host in world.hosts(ring):
            assert world.installed(host, PROJECT) == f"install ok installed|{advertised}"


def write(trouble: Trouble, **found: object) -> None:
    known = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    FOUND.write_text(json.dumps({**known, trouble.__name__: found}, indent=1))
