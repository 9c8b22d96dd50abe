"""Any ordered list of rings: a version comes only to where it is proven on every ring before."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from cicd.errors import Refused
from cicd.release import guards, holds, lifecycle, record, transitions, waiting
from cicd.release.approvals import Policy, Review
from cicd.release.holds import Hold, Holds
from cicd.release.lifecycle import PAIR, Lifecycle, Stage
from cicd.release.record import DEPLOYING, HEALTHY, Build, Cause, Release
from cicd.release.verification import Proof

PROGRAMS = int(os.environ.get("RELEASE_RUNS", "500"))
STEPS = 60
BAKE = 60
WEB = Lifecycle(
    (
        Stage("staging", "staging", promote="auto"),
        Stage("canary", "canary", ("staging",)),
        Stage("eu", "eu", ("canary",), deploy={"min_bake_seconds": 3600}),
        Stage("us", "us", ("eu",)),
    )
)


def build(number: int) -> Build:
    return Build(f"1.0-{number}.{number:07x}", "web", f"{number:040x}", "0" * 64, "", ("eve",))


def end_well(known: Release, ring: str, when: float) -> Release:
    return transitions.confirm(known, ring, known.ring(ring).generation, when)


def on(ring: str, when: float = 0.0, lifecycle: Lifecycle = WEB) -> Release:
    """Return a release whose version 1 has come up to *ring*, healthy since *when*."""
    known = end_well(
        transitions.advertise_canary(Release("web", lifecycle=lifecycle), build(1), when), "staging", when
    )
    for name in lifecycle.names[1 : lifecycle.names.index(ring) + 1]:
        known = end_well(transitions.promote(known, 1e6 + when, 0, ring=name), name, when)
    return known


def test_what_ci_passed_comes_to_the_first_ring():
    known = transitions.advertise_canary(Release("web", lifecycle=WEB), build(1), 0)

    assert {name: ring.wanted for name, ring in known.rings.items()} == {"staging": build(1)}


def test_each_ring_gets_what_the_one_before_it_runs_well():
    known = on("canary")

    assert transitions.promote(known, BAKE, BAKE, ring="eu").ring("eu").wanted == build(1)


def test_no_ring_is_passed_over():
    with pytest.raises(Refused, match="web has no canary, so there is nothing to promote") as refused:
        transitions.promote(on("staging"), 1e9, 0, ring="eu")
    assert refused.value.hint == "Promote a version there first: st2 run cicd.promote project=web ring=canary"


def test_a_ring_may_have_a_bake_of_its_own():
    known = on("eu")

    with pytest.raises(Refused, match="has been eu for 100 s of the 3600 s it must bake"):
        transitions.promote(known, 100, 0, ring="us")
    assert transitions.promote(known, 3600, 0, ring="us").ring("us").wanted == build(1)


def test_the_first_ring_is_deployed_to_and_not_promoted_to():
    with pytest.raises(Refused, match="staging is the first ring of web, so nothing is promoted to it"):
        transitions.promote(on("us"), 1e9, 0, ring="staging")


def test_a_ring_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(Refused) as refused:
        transitions.promote(on("us"), 1e9, 0, ring="asia")
    assert refused.value.hint == "There are staging, canary, eu, us."


def test_a_ring_with_two_before_it_waits_until_both_run_the_same_version():
    forked = Lifecycle(
        (Stage("a", "a"), Stage("b", "b", ("a",)), Stage("c", "c", ("a",)), Stage("d", "d", ("b", "c")))
    )
    known = end_well(transitions.advertise_canary(Release("web", lifecycle=forked), build(1), 0), "a", 0)
    for ring in "bc":
        known = end_well(transitions.promote(known, 1, 0, ring=ring), ring, 1)
    newer = end_well(transitions.advertise_canary(known, build(2), 2), "a", 2)
    newer = end_well(transitions.promote(newer, 3, 0, ring="b"), "b", 3)

    assert transitions.promote(known, 1, 0, ring="d").ring("d").wanted == build(1)
    with pytest.raises(Refused, match=r"b runs 1\.0-2\.0000002, c runs 1\.0-1\.0000001"):
        transitions.promote(newer, 9, 0, ring="d")


def test_what_was_rolled_back_from_one_ring_comes_to_no_other():
    known = end_well(transitions.advertise_canary(on("us"), build(2), 2), "staging", 2)
    for ring in ("canary", "eu"):
        known = end_well(transitions.promote(known, 1e6, 0, ring=ring), ring, 3)
    back = end_well(transitions.roll_back(known, "eu", 4), "eu", 4)

    assert back.ring("eu").wanted == build(1)
    with pytest.raises(Refused, match="was rolled back from a later ring"):
        transitions.promote(back, 1e9, 0, ring="eu")


def test_a_freeze_stops_every_ring_but_the_first():
    frozen = transitions.hold(on("staging"), Holds(freeze=Hold("ann", "a fair", 0.0)))

    assert transitions.held(transitions.advertise_canary(frozen, build(2), 1), "staging") == ""
    with pytest.raises(Refused, match="frozen by ann"):
        transitions.promote(frozen, 1e9, 0, ring="canary")


def test_a_version_is_reviewed_wherever_it_waits_and_each_ring_asks_for_its_own():
    known = transitions.review(on("eu"), build(1).version, "bob", Review(True, "", 0.0))

    assert transitions.promote(known, 3600, 0, ring="us", policy=Policy(1)).ring("us").wanted == build(1)
    with pytest.raises(Refused, match="approv"):
        transitions.promote(known, 3600, 0, ring="us", policy=Policy(2))


def test_the_record_of_any_list_of_rings_is_read_as_it_was_written():
    known = on("us")

    assert record.from_json(record.to_json(known)).rings == known.rings


def test_the_record_of_a_pair_is_what_it_was_before_there_were_lists():
    known = transitions.advertise_canary(Release("web"), build(1), 0)

    assert set(record.to_json(known)) == {
        *("project", "generation", "canary", "production", "holds", "reviews", "rolled_back", "new_history")
    }


def test_a_ring_that_is_taken_out_of_the_configuration_keeps_its_record():
    shorter = record.surrounded(on("us"), Holds(), {}, PAIR)

    assert record.from_json(record.to_json(shorter)).ring("us") == on("us").ring("us")


@pytest.mark.parametrize(
    ("stages", "why"),
    [
        ((), "there is no ring"),
        (
            (Stage("a", "a", ("b",)), Stage("b", "b", ("a",))),
            "`after` names b, which is not a ring before it",
        ),
        ((Stage("a", "a"), Stage("b", "b")), "`after` names no ring: only the first one has none before it"),
        ((Stage("a", "x"), Stage("b", "x", ("a",))), "`tag` is that of a, so a host would be in both"),
        ((Stage("a", "a"), Stage("a", "b", ("a",))), "`name` is a, which another ring has"),
    ],
)
def test_rings_that_contradict_each_other_are_named(stages, why):
    found = lifecycle.problem(stages)

    assert (found or (0, ""))[1] == why


def test_lists_without_contradiction_are_taken():
    assert lifecycle.problem(WEB.stages) is lifecycle.problem(PAIR.stages) is None


# --- any program on any list ------------------------------------------------------------------------


def any_lifecycle(chance: Random) -> Lifecycle:
    """Return one to five rings, each after one or more of those before it."""
    stages: list[Stage] = []
    for number in range(chance.randint(1, 5)):
        names = [stage.name for stage in stages]
        after = tuple(sorted(chance.sample(names, chance.randint(1, min(2, len(names)))))) if names else ()
        own = {"min_bake_seconds": chance.choice((0, 30, 90))} if chance.random() < 0.5 else {}
        stages.append(Stage(f"r{number}", f"r{number}", after, deploy=own))
    assert lifecycle.problem(stages) is None
    return Lifecycle(tuple(stages))


@dataclass
class Program:
    """One random program; what it knows of each ring is its own, and not read from the record."""

    chance: Random
    now: float = 1000.0
    newest: int = 0
    runs: dict[str, tuple[str, float]] = field(default_factory=dict)  # version that is proven, and since when
    rolled_back: set[str] = field(default_factory=set)
    promotions: int = 0

    def __post_init__(self) -> None:
        self.known = Release("web", lifecycle=any_lifecycle(self.chance))

    def play(self) -> None:
        often = [*6 * [self.end], *8 * [self.promote], *4 * [self.wait]]
        steps = [*often, self.deploy, self.fail, self.roll_back, self.hold]
        for _ in range(STEPS):
            with suppress(Refused):
                self.chance.choice(steps)()
        assert record.from_json(record.to_json(self.known)).rings == self.known.rings

    def any_ring(self) -> str:
        return self.chance.choice(self.known.lifecycle.names)

    def deploy(self) -> None:
        self.newest += 1
        number = self.chance.choice((self.newest, max(1, self.newest - 1)))
        first = self.known.lifecycle.first
        self.known = transitions.advertise_canary(self.known, build(number), self.now)
        self.rolled_back.discard(build(number).version)
        self.runs.pop(first, None)

    def end(self) -> None:
        ring = self.any_ring()
        current = self.known.ring(ring)
        if current.state == DEPLOYING and current.wanted:
            proof = Proof(current.wanted.version, {"web1": ""})
            self.known = transitions.confirm(self.known, ring, current.generation, self.now, proof)
            self.runs[ring] = (current.wanted.version, self.now)

    def promote(self) -> None:
        ring = self.any_ring()
        stage = self.known.lifecycle.stage(ring)
        self.known = transitions.promote(self.known, self.now, BAKE, ring=ring)
        wanted = self.known.ring(ring).wanted
        assert wanted
        assert stage.after
        for name in stage.after:
            version, since = self.runs.get(name, ("", self.now))
            needed = self.known.lifecycle.stage(name).deploy.get("min_bake_seconds", BAKE)
            assert version == wanted.version, f"{wanted.version} came to {ring}, and {name} runs {version}"
            assert self.now - since >= needed, (
                f"{wanted.version} came to {ring} before it was baked on {name}"
            )
        assert wanted.version not in self.rolled_back
        assert wanted.version not in self.known.holds.vetoes
        assert self.known.holds.lock is self.known.holds.freeze is None
        self.runs.pop(ring, None)
        self.promotions += 1

    def fail(self) -> None:
        ring = self.any_ring()
        current = self.known.ring(ring)
        self.known = transitions.restore(self.known, ring, current.generation, self.now)
        self.gone_back(ring)

    def roll_back(self) -> None:
        ring = self.any_ring()
        left = self.known.ring(ring).wanted
        self.known = transitions.roll_back(self.known, ring, self.now)
        if left and ring != self.known.lifecycle.first:
            self.rolled_back.add(left.version)
        self.gone_back(ring)

    def gone_back(self, ring: str) -> None:
        """What it went back to was good there, but has to be proven and baked again."""
        self.runs.pop(ring, None)
        current = self.known.ring(ring)
        if current.wanted and self.chance.random() < 0.7:
            self.known = transitions.confirm(self.known, ring, current.generation, self.now)
            self.runs[ring] = (current.wanted.version, self.now)

    def hold(self) -> None:
        put = Hold("ann", "because", self.now)
        kind = self.chance.choice(("lock", "freeze", "veto"))
        if kind == "veto" and self.newest:
            changed = holds.veto(
                self.known.holds, Hold("ann", "because", self.now, build(self.newest).version)
            )
        elif kind != "veto" and getattr(self.known.holds, kind):
            changed = holds.end(self.known.holds, "web", kind, "ann")
        elif kind != "veto":
            changed = holds.put(self.known.holds, "web", kind, put)
        else:
            return
        self.known = transitions.hold(self.known, changed)

    def wait(self) -> None:
        self.now += self.chance.choice((1, 30, 60, 90))


def test_no_ring_ever_wants_what_was_not_healthy_and_baked_on_all_before_it():
    promotions = 0
    for seed in range(PROGRAMS):
        program = Program(Random(seed))
        program.play()
        promotions += program.promotions
    assert promotions > PROGRAMS / 4, "the programs get somewhere"


def test_a_promotion_of_any_list_says_in_the_history_where_it_went():
    before = on("canary")
    after = transitions.promote(before, BAKE, BAKE, ring="eu")
    entry = record.audit(before, after, "promote", "eu", Cause("ann", "promote the canary", 0.0))

    assert (entry["ring"], entry["from"], entry["to"]) == ("eu", None, build(1).version)


def test_what_is_awaited_is_named_once_and_in_order():
    known = end_well(transitions.advertise_canary(on("us"), build(2), 2), "staging", 2)

    assert [one.version for one in waiting.awaiting(known)] == [build(2).version, build(1).version]
    assert waiting.next_rings(known, build(2).version) == ["canary"]
    assert guards.promotable(known, 1e9, 0, ring="canary") == build(2)
    assert known.ring("canary").state == HEALTHY
