"""The referee sees each thing that must not happen to production."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.loopback import Machine
from tests.histories.lane import Deed, version
from tests.histories.referee import Referee

ONE, TWO, BAD = version(1), version(2), version(9)
Entry = dict[str, Any]


@dataclass
class Told:
    """A lane whose history is told, not played."""

    entries: list[Entry]
    machines: list[Machine]
    deeds: list[Deed] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=lambda: {ONE: "ann", TWO: "ann"})

    @property
    def production(self) -> list[Machine]:
        return self.machines[1:]

    @property
    def stackstorm(self) -> Told:
        return self

    rest = stackstorm

    def get(self, path: str) -> list[Entry]:
        return [{"id": "early", "end_timestamp": "1970-01-01T00:00:20Z"}]

    def keys(self, prefix: str) -> dict[str, Entry]:
        numbered = enumerate(self.entries, 1)
        return {f"{number:08d}": {**one, "generation": number} for number, one in numbered}

    def wanted(self, ring: str) -> str:
        moved = [one["to"] for one in self.entries if one["ring"] == ring and one["to"] != one["from"]]
        return str(moved[-1] or "") if moved else ""


def entry(what: str, ring: str, old: str | None, new: str | None, **more: Any) -> Entry:
    known = {"what": what, "ring": ring, "from": old, "to": new, "who": "bob", "why": "because"}
    return {**known, "when": 10.0, "execution": "x", **more}


def canary(new: str, old: str | None = None) -> list[Entry]:
    return [entry("advertise_canary", "canary", old, new), entry("confirm", "canary", new, new)]


def up(new: str, old: str | None = None, **more: Any) -> list[Entry]:
    approved = entry("approve", "canary", new, new)
    promoted = entry("promote", "production", old, new, **{"when": 30.0, **more})
    return [approved, promoted, entry("confirm", "production", new, new)]


GOOD = [*canary(ONE), *up(ONE), *canary(TWO, ONE), *up(TWO, ONE)]
BACK = entry("roll_back", "production", TWO, ONE)


def judged(tmp_path: Path, entries: list[Entry], ran: tuple[str, ...] = (ONE, TWO), **more: Any) -> None:
    machines = [Machine(name, "", tmp_path / name) for name in ("web1", "web2")]
    for machine, versions in zip(machines, ((ONE, TWO, BAD), ran), strict=True):
        machine.folder.mkdir()
        (machine.folder / "installs").write_text("\n".join(versions))
    Referee(Told(entries, machines, **more)).judge()


def test_a_history_that_keeps_all_rules_passes(tmp_path):
    judged(tmp_path, [*GOOD, BACK])


BROKEN = {
    "no healthy canary": [*canary(ONE)[:1], *up(ONE)],
    "no canary at all": up(ONE),
    "not baked": [*canary(ONE), *up(ONE, execution="early", when=10.0)],
    "not approved": [*canary(ONE), up(ONE)[1]],
    "approved by its author": [*canary(ONE), {**up(ONE)[0], "who": "ann"}, up(ONE)[1]],
    "rejected": [*canary(ONE), entry("reject", "canary", ONE, ONE, who="eve"), *up(ONE)],
    "rejected before a newer one failed": [
        *canary(ONE),
        entry("reject", "canary", ONE, ONE, who="eve"),
        entry("advertise_canary", "canary", ONE, TWO),
        entry("restore", "canary", TWO, ONE),
        entry("confirm", "canary", ONE, ONE),
        *up(ONE),
    ],
    "rolled back from": [*GOOD, BACK, *up(TWO, ONE)],
    "rolled back from before a newer one failed": [
        *GOOD,
        BACK,
        entry("advertise_canary", "canary", TWO, BAD),
        entry("restore", "canary", BAD, TWO),
        entry("confirm", "canary", TWO, TWO),
        *up(TWO, ONE),
    ],
    "frozen": [*canary(ONE), entry("freeze", "production", None, None), *up(ONE)],
    "locked": [entry("lock", "production", None, None), *canary(ONE)],
    "pinned": [*canary(ONE), entry("pin", "production", None, None, why=f"{TWO}: x"), *up(ONE)],
    "vetoed": [*canary(ONE), entry("veto", "production", None, None, why=f"{ONE}: x"), *up(ONE)],
    "back to what was never good": [*GOOD, {**BACK, "to": BAD}],
    "broken glass by a stranger": [entry("break_glass", "production", None, ONE, who="eve")],
    "not passed by CI": canary(BAD),
    "a change was lost": [*canary(ONE), *up(ONE), BACK],
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_sees(tmp_path, name):
    with pytest.raises(AssertionError):
        judged(tmp_path, BROKEN[name])


def test_it_sees_what_a_host_ran(tmp_path):
    with pytest.raises(AssertionError, match="web2 ran"):
        judged(tmp_path, GOOD, ran=(ONE, BAD))


FIRED = {"host": "web1", "check": "errors", "source": "grafana", "status": "firing"}


@pytest.mark.parametrize(
    ("told", "is_seen"),
    [
        ({}, True),
        ({"host": ""}, True),
        ({"host": "web2"}, False),
        ({"status": "resolved"}, False),
    ],
)
def test_it_sees_an_alarm_that_fired(tmp_path, told, is_seen):
    fired = Deed("stanley", "alarm_raised", {**FIRED, **told}, 11.0, "x", 12.0, "succeeded")
    ends = {**FIRED, **told, "status": "resolved"}
    over = Deed("stanley", "alarm_raised", ends, 13.0, "y", 14.0, "succeeded")
    if is_seen:
        with pytest.raises(AssertionError, match="an alarm fired"):
            judged(tmp_path, GOOD, deeds=[fired])
        tmp_path = tmp_path / "again"
        tmp_path.mkdir()
        judged(tmp_path, GOOD, deeds=[fired, over])
    else:
        judged(tmp_path, GOOD, deeds=[fired])
