"""Any sequence of commands by any actors, clock jumps and crashes: what must hold at every point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cicd.errors import Refused
from cicd.release import approvals, holds, record, transitions, verification
from cicd.release.approvals import Policy, Review
from cicd.release.holds import Hold
from cicd.release.host_report import HostReport
from cicd.release.lifecycle import PAIR
from cicd.release.record import Build, Cause
from cicd.release.transitions import Release
from cicd.release.verification import Proof

BAKE = 60
POLICY = Policy(count=1, approvers=("ann", "bob"), expires_seconds=600)
ROLES = {"incident_commander": ("ann",)}
HOSTS = {"canary": ("web1", "web2"), "production": ("web3", "web4")}
ACTORS = ("ann", "bob", "eve")


def build(commits: int) -> Build:
    author = ACTORS[commits % len(ACTORS)]
    return Build(f"1.0-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, "", (author,))


class ReleaseMachine:
    """
    The record, hosts that report, actors whose steps interleave, and what a store keeps.

    `load` and `write` are the store: here in memory, with the compare-and-set that Consul has.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.host: dict[str, str] = {name: "" for names in HOSTS.values() for name in names}
        self.sick: set[str] = set()
        # Read, decided, not yet written; and what follows once it is.
        self.decided: list[tuple[Release, Release, str, str, Callable[[], object]]] = []
        self.allowed: set[str] = set()  # versions that may be wanted in production
        self.rejected: set[tuple[str, str]] = set()  # by whom, and which version
        self.rolled_back: set[str] = set()
        self.written = 0
        self.overtaken: set[tuple[str, int]] = set()
        self.prompt = True  # whether a decision is written before anything else happens
        self.newest = 0
        self.reached: Counter[str] = Counter()
        self.open()

    # --- the store --------------------------------------------------------------------------------

    def open(self) -> None:
        self.stored, self.history = Release("greeter"), []

    def load(self) -> Release:
        return self.stored

    def write(self, before: Release, after: Release, what: str, ring: str) -> bool:
        if self.stored.generation != before.generation:
            return False
        self.history.append(record.audit(before, after, what, ring, Cause("ann", "because", self.now)))
        self.stored = record.from_json(record.to_json(after))
        return True

    def entries(self) -> list[dict]:
        return self.history

    def contract(self) -> dict[str, str]:
        rings = {"canary": self.stored.ring("canary"), "production": self.stored.ring("production")}
        return {name: ring.wanted.version if ring.wanted else "" for name, ring in rings.items()}

    # --- steps ------------------------------------------------------------------------------------

    def decide(
        self,
        what: str,
        ring: str,
        change: Callable[[Release], Release],
        written: Callable[[], object] = lambda: None,
    ) -> None:
        """Take a decision now; it is written by a later step, or never, when its process dies."""
        before = self.load()
        try:
            after = change(before)
        except Refused as refusal:
            self.refused(refusal, before)
            return
        assert after.generation == before.generation + 1
        self.decided.append((before, after, what, ring, written))
        if self.prompt:
            self.store(-1)

    def refused(self, refusal: Refused, before: Release) -> None:
        assert str(refusal)
        assert refusal.hint, "a refusal says what to do"
        assert self.load() == before

    def proof(self, ring: str, state: Release) -> Proof:
        wanted = state.ring(ring).wanted
        found = Proof(wanted.version if wanted else "")
        for name in HOSTS[ring]:
            failing = "its check is critical" if name in self.sick else ""
            report = HostReport(installed=self.host[name])
            found = verification.record_host(found, name, report, failing, self.now)
        return found

    def store(self, which):
        if not self.decided:
            return
        before, after, what, ring, written = self.decided.pop(which % len(self.decided))
        good = {
            b.version
            for b in (before.ring("production").last_good, before.ring("production").previous_good)
            if b
        }
        won = self.write(before, after, what, ring)
        assert won == (self.written == before.generation), "exactly one decision on a generation is written"
        if not won:
            return
        self.written += 1
        self.reached[what] += 1
        written()
        self.judge(before, after, what, good)
        for name in PAIR.names:
            if after.ring(name).generation != before.ring(name).generation:
                self.overtaken.add((name, before.ring(name).generation))

    def judge(self, before: Release, after: Release, what: str, good: set[str]) -> None:
        """Look at a change of production that was just written."""
        wanted, was = after.ring("production").wanted, before.ring("production")
        if after.ring("production").generation == was.generation or not wanted:
            return
        if what == "promote":
            assert wanted == before.ring("canary").wanted
            assert before.ring("canary").state == transitions.HEALTHY
            assert wanted.version not in before.holds.vetoes
            self.allowed.add(wanted.version)
        elif what == "break_glass":
            self.allowed.add(wanted.version)
        elif what != "steal":
            if what == "roll_back" and was.wanted:
                self.rolled_back.add(was.wanted.version)
            assert wanted.version in good, f"{what} took production to {wanted.version}"

    def crash(self, which):
        if self.decided:
            self.decided.pop(which % len(self.decided))

    def clock_jumps(self, seconds):
        self.now += seconds

    def host_reports(self, name):
        ring = next(ring for ring, names in HOSTS.items() if name in names)
        document = dict(line.split("=", 1) for line in transitions.wanted_document(self.load(), ring).split())
        if document["version"]:
            self.host[name] = document["version"]

    def all_hosts_report(self, ring):
        self.sick -= set(HOSTS[ring])
        for name in HOSTS[ring]:
            self.host_reports(name)

    def host_gets_sick_or_well(self, name):
        self.sick ^= {name}

    # --- commands ---------------------------------------------------------------------------------

    def advertise(self, commits):
        self.decide(
            "advertise_canary",
            "canary",
            lambda r: transitions.advertise_canary(r, build(commits), self.now),
            lambda: self.rolled_back.discard(build(commits).version),
        )

    def confirm(self, ring, behind):
        state = self.load()
        generation = state.ring(ring).generation - behind
        evidence = self.proof(ring, state)

        def change(known: Release) -> Release:
            assert (ring, generation) not in self.overtaken or known.ring(ring).generation != generation
            return transitions.confirm(known, ring, generation, self.now, evidence)

        self.decide("confirm", ring, change)

    def promote(self):
        state = self.load()
        evidence = self.proof("canary", state)

        def change(known: Release) -> Release:
            after = transitions.promote(known, self.now, BAKE, policy=POLICY, proofs={"canary": evidence})
            wanted = known.ring("canary").wanted
            assert self.now - known.ring("canary").since >= BAKE
            assert not self.sick & set(HOSTS["canary"])
            assert {self.host[name] for name in HOSTS["canary"]} == {wanted.version}
            assert not known.holds.lock
            assert not known.holds.freeze
            reviews = known.reviews_of(wanted.version)
            assert approvals.approvals(POLICY, wanted.authors, reviews, self.now)
            assert all(review.approves for review in reviews.values())
            assert wanted.version not in {version for _, version in self.rejected}
            assert wanted.version not in self.rolled_back
            return after

        self.decide("promote", "production", change)

    def roll_back(self, ring, automatic):
        def change(known: Release) -> Release:
            after = transitions.roll_back(known, ring, self.now, automatic)
            assert not (automatic and known.ring(ring).ignores_holds), "an alarm goes back once"
            return after

        self.decide("roll_back", ring, change)

    def restore(self, ring):
        generation = self.load().ring(ring).generation

        def change(known: Release) -> Release:
            after = transitions.restore(known, ring, generation, self.now)
            before, now = known.ring(ring), after.ring(ring)
            if before.state == transitions.RESTORING and now.wanted != before.wanted:
                assert before.wanted.version in known.holds.vetoes, "it goes one step back, however often"
            return after

        self.decide("restore", ring, change)

    def break_glass(self, commits, role, who):
        def change(known: Release) -> Release:
            approvals.refuse_role(ROLES, role, who)
            assert (role, who) == ("incident_commander", "ann")
            return transitions.break_glass(known, build(commits), self.now)

        self.decide("break_glass", "production", change)

    def review(self, commits, who, approves):
        def change(known: Release) -> Release:
            version = build(commits).version
            if approves:
                approvals.refuse_approver(POLICY, "greeter", build(commits).authors, who)
            return transitions.review(known, version, who, Review(approves, "because", self.now))

        said = (who, build(commits).version)
        note = self.rejected.discard if approves else self.rejected.add
        self.decide("review", "canary", change, lambda: note(said))

    def approve_the_canary(self, who):
        wanted = self.load().ring("canary").wanted
        if wanted:
            self.review(int(wanted.version[4:].partition(".")[0]), who, True)

    def push(self):
        self.newest += 1
        self.advertise(self.newest)

    def end_well(self, ring):
        self.all_hosts_report(ring)
        if self.load().ring(ring).state != transitions.HEALTHY:
            self.confirm(ring, 0)

    def hold(self, kind, who, commits):
        put = Hold(who, "because", self.now, build(commits).version if kind == "pin" else "")
        self.decide(
            kind,
            "production",
            lambda r: transitions.hold(r, holds.put(r.holds, "greeter", kind, put)),
        )

    def end_hold(self, kind, who):
        present = getattr(self.load().holds, kind)
        who = who or (present.who if present else "ann")

        def change(known: Release) -> Release:
            after = transitions.hold(known, holds.end(known.holds, "greeter", kind, who))
            assert kind != "lock" or known.holds.lock.who == who, "a lock ends by who put it"
            return after

        self.decide(f"end_{kind}", "production", change)

    def steal(self, who, ring):
        put = Hold(who, "because", self.now)
        self.decide("steal", ring, lambda r: transitions.steal(r, holds.steal(r.holds, put), ring, self.now))

    def veto(self, who, commits):
        put = Hold(who, "because", self.now, build(commits).version)
        self.decide("veto", "production", lambda r: transitions.hold(r, holds.veto(r.holds, put)))

    # --- programs -----------------------------------------------------------------------------------

    def run(self, program: bytes) -> None:
        """Run *program*, three bytes a step, and look at everything that must hold after each."""
        for place in range(0, len(program) - 2, 3):
            step, which, how = program[place : place + 3]
            self.prompt = how % 4 != 0
            STEPS[step % len(STEPS)](self, which, how)
            self.check()

    def check(self) -> None:
        self.production_wants_a_baked_canary_a_good_one_before_it_or_what_broke_the_glass()
        self.record_and_contract_keys_agree()
        self.no_transition_is_lost_from_history()
        self.a_vetoed_version_comes_to_no_ring_that_did_not_want_it_already()

    # --- what holds at every point ------------------------------------------------------------------

    def production_wants_a_baked_canary_a_good_one_before_it_or_what_broke_the_glass(self):
        wanted = self.load().ring("production").wanted
        assert wanted is None or wanted.version in self.allowed

    def record_and_contract_keys_agree(self):
        state = self.load()
        for name, version in self.contract().items():
            wanted = state.ring(name).wanted
            assert version == (wanted.version if wanted else "")

    def no_transition_is_lost_from_history(self):
        entries = self.entries()
        assert [entry["generation"] for entry in entries] == list(range(1, self.written + 1))
        assert self.load().generation == self.written
        for ring in PAIR.names:
            moves = [entry for entry in entries if entry["ring"] == ring]
            wanted = self.load().ring(ring).wanted
            changes = [m for m in moves if m["what"] in CHANGES_WANTED]
            assert (changes[-1]["to"] if changes else None) == (wanted.version if wanted else None)

    def a_vetoed_version_comes_to_no_ring_that_did_not_want_it_already(self):
        state = self.load()
        for ring in PAIR.names:
            wanted = state.ring(ring).wanted
            if wanted and wanted.version in state.holds.vetoes:
                assert transitions.held(state, ring) == "veto"


CHANGES_WANTED = {"advertise_canary", "promote", "roll_back", "restore", "break_glass"}

RINGS, KINDS = PAIR.names, ("lock", "freeze", "pin")
NAMES = sorted(name for names in HOSTS.values() for name in names)
JUMPS = (1, 10, BAKE, BAKE, 2 * BAKE, 700, -30, -BAKE)


def pick(choices, number):
    return choices[number % len(choices)]


STEPS = (
    *(7 * [lambda m, a, b: m.push()]),
    *(18 * [lambda m, a, b: m.end_well(pick(RINGS, a))]),
    *(14 * [lambda m, a, b: m.clock_jumps(pick(JUMPS, a))]),
    *(16 * [lambda m, a, b: m.approve_the_canary(pick(ACTORS, a))]),
    *(24 * [lambda m, a, b: m.promote()]),
    *(6 * [lambda m, a, b: m.store(a)]),
    *(8 * [lambda m, a, b: m.end_hold(pick(KINDS, a), "")]),
    lambda m, a, b: m.advertise(a % (m.newest + 2)),
    lambda m, a, b: m.confirm(pick(RINGS, a), b % 3),
    lambda m, a, b: m.roll_back(pick(RINGS, a), b % 2 == 0),
    *(4 * [lambda m, a, b: m.roll_back("production", b % 2 == 0)]),
    lambda m, a, b: m.restore(pick(RINGS, a)),
    lambda m, a, b: m.break_glass(a % (m.newest + 2), pick(("incident_commander", "developer"), b), "ann"),
    lambda m, a, b: m.break_glass(a % (m.newest + 2), "incident_commander", pick(ACTORS, b)),
    lambda m, a, b: m.review(max(0, m.newest - a % 3), pick(ACTORS, b), b % 5 != 0),
    lambda m, a, b: m.hold(pick(KINDS, a), pick(ACTORS, b), a % (m.newest + 2)),
    lambda m, a, b: m.steal(pick(ACTORS, b), pick(RINGS, a)),
    lambda m, a, b: m.veto(pick(ACTORS, b), a % (m.newest + 2)),
    lambda m, a, b: m.end_hold(pick(KINDS, a), pick(ACTORS, b)),
    lambda m, a, b: m.crash(a),
    lambda m, a, b: m.host_reports(pick(NAMES, a)),
    lambda m, a, b: m.host_gets_sick_or_well(pick(NAMES, a)),
)
