"""The guard rails under any sequence of commands; RELEASE_RUNS says how many (500 in `make test`)."""

import os
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.lib.release_machine import ReleaseMachine

RUNS = int(os.environ.get("RELEASE_RUNS", "300"))
STEPS = 80
REACHED: Counter[str] = Counter()


@settings(
    max_examples=RUNS,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    database=None,
)
@given(st.binary(min_size=3 * STEPS, max_size=3 * STEPS))
def test_no_sequence_of_commands_reports_clock_jumps_and_crashes_leads_to_a_wrong_production(program):
    machine = ReleaseMachine()
    machine.run(program)
    REACHED.update(machine.reached)


def test_the_sequences_reach_every_command_often_enough_to_mean_something():
    assert set(REACHED) >= {
        "advertise_canary", "confirm", "promote", "roll_back", "restore", "break_glass", "review",
        "lock", "freeze", "pin", "end_lock", "end_freeze", "end_pin", "steal", "veto",
    }  # fmt: skip
    assert min(REACHED.values()) >= RUNS / 100
    assert REACHED["promote"] >= RUNS / 4
