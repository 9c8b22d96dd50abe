"""Four figures about delivery, each with the number of cases behind it."""

from hypothesis import given
from hypothesis import strategies as st

from cicd.reports import dora
from cicd.reports.report import BEGINS

NOW = 1_000 * dora.DAY
COMMITTED = {"1": NOW - 10 * dora.DAY, "2": NOW - 5 * dora.DAY}


def change(what, to, days_ago, before="", ring="production"):
    return {"what": what, "ring": ring, "to": to, "from": before, "when": NOW - days_ago * dora.DAY}


def figures(*oldest_first, days=90, committed=COMMITTED):
    return dora.of(oldest_first[::-1], committed, "production", days, NOW)


def test_nothing_is_not_zero():
    found = figures()

    assert found["per_week"] is found["lead_time_seconds"] is found["failure_rate"] is None
    assert found["restore_seconds"] is None
    assert dora.message("greeter", found).endswith("no deployment ended, so there is nothing to count.")


def test_a_version_that_every_host_runs_is_a_deployment_and_its_lead_time_is_from_its_commit():
    found = figures(change("promote", "1", 9.5), change("confirm", "1", 9))

    assert (found["deployments"], found["failures"], found["failure_rate"]) == (1, 0, 0)
    assert (found["lead_time_seconds"], found["lead_times"]) == (dora.DAY, 1)


def test_what_failed_and_went_back_is_a_failure_and_ends_with_the_ring_good_again():
    found = figures(
        change("promote", "1", 9),
        change("confirm", "1", 9),
        change("promote", "2", 4),
        change("restore", "1", 3, before="2"),
        change("confirm", "1", 2.5, before="1"),
    )

    assert (found["deployments"], found["ended"], found["failures"]) == (1, 2, 1)
    assert (found["restore_seconds"], found["restores"]) == (dora.DAY / 2, 1)


def test_a_version_that_is_rolled_back_later_failed_too():
    found = figures(
        change("promote", "2", 4), change("confirm", "2", 4), change("roll_back", "1", 1, before="2")
    )

    assert (found["deployments"], found["failures"], found["failure_rate"]) == (1, 1, 1)
    assert found["restore_seconds"] is None, "the ring is not good again yet"


def test_hosts_that_a_retry_confirms_again_are_no_further_deployment():
    assert figures(*[change("promote", "1", 9), *[change("confirm", "1", 9)] * 3])["deployments"] == 1


def test_a_deploy_that_stopped_and_came_to_every_host_after_all_failed_and_is_a_deployment():
    found = figures(
        change("promote", "2", 4), change("stop", "2", 4, before="2"), change("confirm", "2", 3, before="2")
    )

    assert (found["deployments"], found["ended"], found["failures"]) == (1, 1, 1)
    assert (found["lead_time_seconds"], found["restore_seconds"]) == (2 * dora.DAY, dora.DAY)


def test_a_ring_that_went_back_to_nothing_is_not_good_again():
    found = figures(
        change("promote", "1", 9),
        change("restore", None, 8, before="1"),
        change("confirm", None, 7),
        change("promote", "2", 6),
        change("confirm", "2", 5),
    )

    assert (found["deployments"], found["failures"]) == (1, 1)
    assert (found["restore_seconds"], found["restores"]) == (3 * dora.DAY, 1)


def test_a_version_that_was_overtaken_neither_came_nor_failed():
    found = figures(change("promote", "1", 9), change("promote", "2", 4), change("confirm", "2", 4))

    assert (found["deployments"], found["ended"]) == (1, 1)


def test_other_rings_and_older_days_do_not_count():
    found = figures(
        change("promote", "1", 40),
        change("confirm", "1", 40),
        change("confirm", "2", 3, ring="canary"),
        days=30,
    )

    assert found["ended"] == 0


def test_a_version_of_before_commits_were_timed_has_no_lead_time():
    found = figures(change("promote", "1", 9), change("confirm", "1", 9), committed={})

    assert (found["deployments"], found["lead_time_seconds"]) == (1, None)
    assert "lead time for changes: unknown" in dora.message("greeter", found)


def test_the_message_says_how_many_cases_are_behind_each_figure():
    said = dora.message(
        "greeter",
        figures(
            change("promote", "1", 9),
            change("confirm", "1", 9),
            change("promote", "2", 4),
            change("restore", "1", 3, before="2"),
            change("confirm", "1", 2.5),
        ),
    )

    assert said.splitlines() == [
        "greeter on production, the last 90 days:",
        "- deployment frequency: 0.08 a week (1 deployment)",
        "- lead time for changes: 1 d from commit to every host (median of 1)",
        "- change failure rate: 50 % (1 of 2)",
        "- time to restore: 12 h until the ring was good again (median of 1)",
    ]


WHATS = st.sampled_from([*BEGINS, *dora.GOOD, *dora.BAD, "veto", "judge"])
CHANGES = st.lists(
    st.tuples(WHATS, st.sampled_from("123"), st.sampled_from("123"), st.floats(0, 89)), max_size=40
)


@given(CHANGES)
def test_whatever_happened_the_figures_fit_each_other(changes):
    oldest_first = sorted(changes, key=lambda one: -one[3])
    found = figures(*(change(what, to, ago, before) for what, to, before, ago in oldest_first))

    assert 0 <= found["failures"] <= found["ended"]
    assert found["lead_times"] <= found["deployments"] <= found["ended"]
    assert found["restore_seconds"] is None or found["restore_seconds"] >= 0
    assert dora.message("greeter", found)
