"""Who may let a canary into production."""

import pytest

from cicd.errors import ConfigError, InputError, Refused
from cicd.release import approvals, record, transitions
from cicd.release.approvals import Policy, Review
from cicd.release.record import Cause
from cicd.release.transitions import Build, Release

TWO = Policy(count=2, approvers=("ann", "bob", "eve"))
CANARY = Build("1.0-1.0000001", "greeter", "1" * 40, "0" * 64, "", authors=("eve",))
NEWER = Build("1.0-2.0000002", "greeter", "2" * 40, "0" * 64, "", authors=("eve",))

CAUSE = Cause("eve", "because", 1.0)


def baked() -> Release:
    state = transitions.advertise_canary(Release("greeter"), CANARY, 0)
    return transitions.confirm(state, "canary", state.ring("canary").generation, 0)


def reviewed(*reviews: tuple[str, bool], when: float = 1.0) -> Release:
    state = baked()
    for who, approves in reviews:
        state = transitions.review(state, CANARY.version, who, Review(approves, "because", when))
    return state


def promote(state: Release, when: float = 10.0, policy: Policy = TWO) -> Release:
    return transitions.promote(state, when, 0, policy=policy)


def test_a_promotion_waits_for_as_many_people_as_the_policy_wants_and_names_those_it_has():
    with pytest.raises(Refused, match=r"1 of 2 approvals \(ann\)"):
        promote(reviewed(("ann", True)))

    assert promote(reviewed(("ann", True), ("bob", True))).ring("production").wanted == CANARY


def test_the_same_person_counts_once():
    with pytest.raises(Refused, match="1 of 2"):
        promote(reviewed(("ann", True), ("ann", True)))


def test_the_author_counts_for_nothing_and_is_told_whom_to_ask():
    with pytest.raises(Refused, match="eve wrote this") as refusal:
        approvals.refuse_approver(TWO, "greeter", ["Eve"], "@eve")
    with pytest.raises(Refused, match="1 of 2"):
        promote(reviewed(("ann", True), ("eve", True)))

    assert refusal.value.hint == "Ask ann, bob."
    assert promote(reviewed(("ann", True), ("eve", True)), policy=Policy(2, not_author=False))


def test_a_stranger_counts_for_nothing_and_nobody_is_no_approver():
    with pytest.raises(Refused, match="mallory may not approve"):
        approvals.refuse_approver(TWO, "greeter", ["eve"], "mallory")
    with pytest.raises(Refused, match="names no user"):
        approvals.refuse_approver(Policy(), "greeter", ["eve"], "")
    with pytest.raises(Refused, match="1 of 2"):
        promote(reviewed(("ann", True), ("mallory", True)))


def test_an_approval_expires():
    state = reviewed(("ann", True), ("bob", True))

    assert promote(state, when=1 + 86399)
    with pytest.raises(Refused, match="0 of 2"):
        promote(state, when=1 + 86400)


def test_one_rejection_stops_it_until_who_rejected_approves():
    with pytest.raises(Refused, match="rejected by ann: because"):
        promote(reviewed(("ann", True), ("bob", True), ("ann", False)))

    assert promote(reviewed(("ann", False), ("bob", True), ("ann", True)))


def test_the_approvals_of_a_canary_are_none_of_a_newer_one():
    state = reviewed(("ann", True), ("bob", True))
    newer = transitions.advertise_canary(state, NEWER, 5)
    newer = transitions.confirm(newer, "canary", newer.ring("canary").generation, 5)

    with pytest.raises(Refused, match="0 of 2"):
        promote(newer)


def after_a_newer_one_failed(state: Release) -> Release:
    """Return *state* after a newer canary failed and CANARY was restored."""
    newer = transitions.advertise_canary(state, NEWER, 5)
    back = transitions.restore(newer, "canary", newer.ring("canary").generation, 6)
    return transitions.confirm(back, "canary", back.ring("canary").generation, 6)


def test_a_rejection_stays_when_a_newer_canary_fails_and_the_rejected_one_is_restored():
    with pytest.raises(Refused, match="rejected by ann: because"):
        promote(after_a_newer_one_failed(reviewed(("bob", True), ("eve", True), ("ann", False))))


def test_an_approval_is_of_the_version_and_counts_after_a_newer_canary_failed():
    assert (
        promote(after_a_newer_one_failed(reviewed(("ann", True), ("bob", True)))).ring("production").wanted
        == CANARY
    )


def test_a_version_that_is_deployed_to_the_canary_again_keeps_its_rejections_and_loses_its_approvals():
    before = reviewed(("ann", False), ("bob", True))
    again = transitions.advertise_canary(before, CANARY, 5)

    assert set(again.reviews_of(CANARY.version)) == {"ann"}
    assert record.audit(before, again, "advertise_canary", "canary", CAUSE)["cancelled"] == ["bob"]


def test_the_reviews_of_as_many_versions_are_kept_as_can_come_back_and_the_present_ones_always():
    state = reviewed(("ann", False))
    for number in range(2, approvals.KEPT_VERSIONS + 9):
        build = Build(f"1.0-{number}.{number:07x}", "greeter", f"{number:040x}", "0" * 64, "")
        state = transitions.advertise_canary(state, build, number)
        state = transitions.review(state, build.version, "bob", Review(False, "because", float(number)))

    assert state.ring("canary").last_good == CANARY
    assert len(state.reviews) == approvals.KEPT_VERSIONS + 1
    assert state.reviews_of(CANARY.version), "it is what a restore returns to"


def test_a_version_is_reviewed_by_so_many_people_and_no_more():
    state = reviewed(*((f"person {number}", True) for number in range(approvals.KEPT_PEOPLE)))

    with pytest.raises(Refused, match="100 people reviewed") as refusal:
        transitions.review(state, CANARY.version, "ann", Review(False, "because", 2))
    assert refusal.value.hint
    assert transitions.review(state, CANARY.version, "person 1", Review(False, "because", 2))


def test_a_record_from_before_reviews_belonged_to_versions_has_those_of_its_canary():
    now = record.to_json(reviewed(("ann", False)))
    before = {**now, "reviews": now["reviews"][CANARY.version]}

    assert record.from_json(before) == reviewed(("ann", False))
    assert record.from_json({**before, "canary": record.to_json(Release("p"))["canary"]}).reviews == {}


def test_an_approval_of_what_is_no_longer_canary_is_refused():
    newer = transitions.advertise_canary(baked(), NEWER, 5)

    with pytest.raises(Refused, match=f"the canary is {NEWER.version} now"):
        transitions.review(newer, CANARY.version, "ann", Review(True, "fine", 6))


def test_only_who_is_in_a_configured_role_breaks_the_glass():
    roles = approvals.roles_from({"incident_commander": ["ann"]})

    approvals.refuse_role(roles, "incident_commander", "Ann")
    for role, who, said in [
        ("incident_commander", "bob", "bob is not in the role"),
        ("incident_commander", "", "nobody is not in the role"),
        ("root", "ann", "is not a role"),
    ]:
        with pytest.raises(Refused, match=said):
            approvals.refuse_role(roles, role, who)
    with pytest.raises(Refused, match="no role is configured"):
        approvals.refuse_role({}, "incident_commander", "ann")


@pytest.mark.parametrize("values", [{"count": -1}, {"count": "x"}, {"cuont": 1}, "yes", {"approvers": 1}])
def test_a_policy_that_cannot_be_read_means_stop(values):
    with pytest.raises(ConfigError, match="is not an approval policy"):
        approvals.policy_from(values, "projects.greeter.approval")


def test_a_policy_that_can_never_be_met_is_refused():
    with pytest.raises(ConfigError, match="2 approvals of 1 approvers"):
        approvals.policy_from({"count": 2, "approvers": ["ann"]}, "x")


@pytest.mark.parametrize("text", ["", "  ", "-", "\u200b", "…"])
def test_a_reason_must_say_something(text):
    with pytest.raises(InputError, match="reason"):
        approvals.reason(text)


@pytest.mark.parametrize("values", [{"incident_commander": "ann"}, ["ann"], "ann", {"role": None}])
def test_a_role_is_a_list_of_users_and_never_the_letters_of_one(values):
    with pytest.raises(ConfigError, match="lists of users"):
        approvals.roles_from(values)
