"""What an analysis refuses, and when the next look is due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd.errors import Refused
from cicd.release import analysis, judging, transitions
from cicd.release.analysis import Analysis
from cicd.release.analysis_policy import ASK, REFUSE, WAIT, AnalysisPolicy
from cicd.release.judging import BEGIN, LOOK
from cicd.release.record import DEGRADED, DEPLOYING, HEALTHY, Build, Release, Ring
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE, Verdict

OLD = Build("1.0-1.0000001", "greeter", "1" * 40, "0" * 64, "")
NEW = Build("1.0-2.0000002", "greeter", "2" * 40, "0" * 64, "")
BAKE = 100
POLICY = AnalysisPolicy(sources=("haproxy",), looks=4)


def release(known: Analysis | None = None, **canary: object) -> Release:
    ring = replace(Ring(HEALTHY, NEW, NEW, OLD, 4, analysis=known), **canary)
    return Release("greeter", 7, {"canary": ring, "production": Ring(HEALTHY, OLD, OLD, generation=3)})


def found(outcome: str, looks: int, began: float = 0.0, generation: int = 4) -> Analysis:
    known = analysis.begun(generation, 4, began)
    for number in range(looks):
        what = outcome if number == looks - 1 else INCONCLUSIVE
        known = analysis.looked(known, Verdict(what, "haproxy: few"), (), began)
    return known


def promote(
    known: Analysis | None, policy: AnalysisPolicy = POLICY, now: float = BAKE, **more: bool
) -> Release:
    return transitions.promote(release(known), now, BAKE, analyses={"canary": policy}, **more)


def refusal(*arguments: object, **more: object) -> Refused:
    with pytest.raises(Refused) as refused:
        promote(*arguments, **more)  # type: ignore[arg-type]
    return refused.value


@pytest.mark.parametrize("inconclusive", [WAIT, ASK, REFUSE])
def test_only_a_good_canary_is_promoted_where_that_is_required(inconclusive):
    policy = replace(POLICY, inconclusive=inconclusive)

    assert promote(found(GOOD, 4), policy).ring("production").wanted == NEW
    assert "failed its analysis on canary: haproxy: few" in refusal(found(BAD, 1), policy).message
    assert "has not been judged on canary yet" in refusal(None, policy).message
    assert "has not been judged on canary yet" in refusal(found(GOOD, 4, generation=3), policy).message


def test_while_looks_are_left_nobody_promotes_and_the_hint_says_when():
    refused = refusal(found(INCONCLUSIVE, 2), now=BAKE)

    assert "inconclusive after 2 of 4 measurements: haproxy: few" in refused.message
    assert refused.hint == "Promote again in 0 s."
    longer = refusal(found(INCONCLUSIVE, 2), replace(POLICY, limit=900))
    assert longer.hint == "Promote again in 800 s."


@pytest.mark.parametrize(
    ("inconclusive", "by_itself", "hint"),
    [
        (ASK, True, "A person decides whether it is promoted."),
        (REFUSE, False, "st2 run cicd.deploy project=greeter version=1.0-2.0000002"),
        (WAIT, False, "It is judged again by itself."),
    ],
)
def test_what_is_neither_good_nor_bad_after_all_looks_follows_the_configuration(
    inconclusive, by_itself, hint
):
    policy = replace(POLICY, inconclusive=inconclusive)

    assert hint in refusal(found(INCONCLUSIVE, 4), policy, by_itself=by_itself).hint


def test_a_person_may_promote_what_is_neither_good_nor_bad_where_the_configuration_asks():
    assert promote(found(INCONCLUSIVE, 4)).ring("production").wanted == NEW


def test_a_first_version_has_nothing_to_be_compared_with_so_a_person_promotes_it():
    policy, known = replace(POLICY, inconclusive=REFUSE), found(INCONCLUSIVE, 4)
    first = Release("greeter", 7, {"canary": release(known).ring("canary")})
    promoted = transitions.promote(first, BAKE, BAKE, analyses={"canary": policy})

    assert promoted.ring("production").wanted == NEW
    with pytest.raises(Refused, match="neither good nor bad"):
        transitions.promote(first, BAKE, BAKE, analyses={"canary": policy}, by_itself=True)


def test_where_it_is_not_required_only_a_bad_one_is_refused_also_without_an_analysis_now():
    lenient = replace(POLICY, required=False)

    assert promote(None, lenient).ring("production").wanted == NEW
    assert promote(found(INCONCLUSIVE, 4), lenient).ring("production").wanted == NEW
    refusal(found(BAD, 1), lenient)
    with pytest.raises(Refused, match="failed its analysis"):
        transitions.promote(release(found(BAD, 1)), BAKE, BAKE)


def test_a_broken_glass_passes_a_bad_verdict():
    assert transitions.break_glass(release(found(BAD, 1)), NEW, 1.0).ring("production").wanted == NEW


def test_a_deploy_of_the_same_version_is_judged_anew():
    again = transitions.advertise_canary(release(found(INCONCLUSIVE, 4)), NEW, 1.0)

    assert again.ring("canary").judged is None


def due(known: Analysis | None, now: float = 50.0, policy: AnalysisPolicy = POLICY, **canary: object) -> str:
    return judging.due(release(known, **canary), "canary", policy, BAKE, now)


def test_looks_are_spread_evenly_over_the_bake():
    assert due(None) == BEGIN
    assert [due(found(INCONCLUSIVE, 1), now) for now in (49.0, 50.0)] == ["", LOOK]
    assert [due(found(INCONCLUSIVE, 3), now) for now in (99.0, 100.0)] == ["", LOOK]
    assert due(found(INCONCLUSIVE, 0, began=200.0)) == BEGIN, "the clock was set back"
    assert due(found(INCONCLUSIVE, 2, generation=3)) == BEGIN


def test_after_the_last_look_only_waiting_begins_anew():
    for outcome, looks in ((GOOD, 4), (BAD, 1), (INCONCLUSIVE, 4)):
        assert due(found(outcome, looks), 1e6) == ""
    waiting = replace(POLICY, inconclusive=WAIT)
    assert due(found(INCONCLUSIVE, 4), 1e6, waiting) == BEGIN
    assert due(found(GOOD, 4), 1e6, waiting) == ""


def test_a_ring_is_not_looked_at_before_its_deploy_ended_nor_after_its_version_went_on():
    assert due(None, state=DEPLOYING) == ""
    assert due(None, state=DEGRADED) == BEGIN
    assert due(None, wanted=OLD) == ""
    assert due(None, policy=AnalysisPolicy()) == ""
