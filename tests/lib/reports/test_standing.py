"""What is wrong until it is mended is told once when it begins, and once when it is over."""

from cicd.fleet import drift_log
from cicd.fleet.drift import EDITED, SILENT, WRONG_VERSION, Drift
from cicd.reports import notice, standing
from cicd.repository import signing_keys

DAY = 86400.0


def drift(kind: str, host: str = "app1") -> dict[str, Drift]:
    found = Drift("greeter", host, "canary", kind, "2.0", "1.0", f"{host}: it is {kind}")
    return {found.key: found}


def told(known: dict, memory: dict[str, str], now: float) -> list[str]:
    found = standing.of_drift("greeter", known, memory, 0.0, now)
    memory.update({one.about: one.mark for one in found})
    return [notice.lines(one)[0] for one in found]


def test_a_host_that_is_wrong_is_told_once_and_once_more_when_it_is_right_again():
    memory: dict[str, str] = {}
    wrong = drift_log.follow({}, drift(EDITED), 100.0)

    assert told(wrong, memory, 100.0) == ["greeter: app1: it is edited"]
    assert told(drift_log.follow(wrong, drift(EDITED), 130.0), memory, 130.0) == []
    right = drift_log.follow(wrong, {}, 160.0)
    assert told(right, memory, 160.0) == ["greeter: over after 1 min: app1: it is edited"]
    again = drift_log.follow(right, drift(EDITED), 200.0)
    assert told(again, memory, 200.0) == ["greeter: app1: it is edited"]


def test_a_host_that_a_run_cures_soon_is_told_to_nobody_and_one_that_it_does_not_is():
    memory: dict[str, str] = {}
    wrong = drift_log.follow({}, drift(WRONG_VERSION), 100.0)

    assert told(wrong, memory, 130.0) == []
    assert told(drift_log.follow(wrong, {}, 130.0), memory, 300.0) == []
    assert told(wrong, memory, 221.0) == ["greeter: app1: it is wrong_version"]


def test_what_was_over_while_a_target_was_away_is_one_notice():
    right = drift_log.follow(drift_log.follow({}, drift(EDITED), 100.0), {}, 160.0)

    assert told(right, {}, 4000.0) == ["greeter: over after 1 min: app1: it is edited"]


def test_a_new_watch_does_not_call_a_host_right_that_it_has_not_watched_for_long_enough():
    silent = drift_log.follow({}, {**drift(SILENT), **drift(EDITED, "app2")}, 100.0)
    seen = drift_log.follow(silent, {}, 130.0, is_sure=False)

    assert [one["until"] for one in seen.values()] == [0, 130.0]
    assert [one["until"] for one in drift_log.follow(seen, {}, 500.0).values()] == [500.0, 130.0]


def test_what_is_over_is_forgotten_one_day_and_what_stands_is_not():
    known = drift_log.follow({}, drift(EDITED, "first"), 1.0)
    for number in range(drift_log.KEPT + 5):
        known = drift_log.follow(known, {**drift(EDITED, "first"), **drift(EDITED, f"app{number}")}, 2.0)

    assert len(known) == drift_log.KEPT + 2
    assert next(iter(known.values()))["message"].startswith("first")


def test_a_key_is_told_when_it_expires_soon_very_soon_and_when_it_has_expired():
    memory: dict[str, str] = {}
    days = []
    for day in range(100):
        found = standing.of_keys({"AB12": 50.5 * DAY}, memory, day * DAY)
        memory.update({one.about: one.mark for one in found})
        days += [(day, one.said) for one in found]

    assert [day for day, _ in days] == [21, 44, 51]
    assert days[0][1] == "the key AB12, which signs the package repository, expires in 29 d"
    assert days[2][1].endswith("has expired: nothing can be published")
    assert standing.of_keys({"AB12": 500 * DAY}, memory, 60 * DAY) == []


def test_a_checkup_says_how_long_each_key_signs():
    ends = {"A": 10.5 * DAY, "B": 400 * DAY, "C": -1.0}
    found = {one.said.split(",")[0]: one.state for one in signing_keys.findings(ends, 0.0)}

    assert found == {"the key A": "warning", "the key B": "good", "the key C": "wrong"}
