"""What people read when they ask what is deployed."""

import pytest
import requests

from cicd import sanitize
from cicd.release import transitions
from cicd.release.approvals import Policy, Review
from cicd.release.holds import Hold, Holds
from cicd.release.lifecycle import Lifecycle, Stage
from cicd.release.stop import Stop
from cicd.release.transitions import Build, Release
from cicd.reports import overview, status_text
from cicd.reports.status_text import OPEN, Gate, Gates, next_step
from cicd.store.store import Store
from tests.lib.store.test_store import CAUSE, settings

HOUR = 3600.0


def build(commits: int) -> Build:
    return Build(f"1.0-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, "acme/greeter@x")


def host(name: str, ring: str, version: str = "", reason: str = "") -> dict:
    return {"name": name, "ring": ring, "version": version, "healthy": not reason, "reason": reason}


def whole(release: Release, hosts: list, now: float, min_bake: int, gates: Gates = OPEN) -> str:
    notes = status_text.notes(release, hosts, now, gates)
    return status_text.message(release, hosts, now, notes, next_step(release, now, min_bake, gates))


def canary(commits: int, since: float = 0.0, start: Release | None = None) -> Release:
    wanted = transitions.advertise_canary(start or Release("greeter"), build(commits), since)
    return transitions.confirm(wanted, "canary", wanted.ring("canary").generation, since)


def promoted(commits: int, since: float = 0.0) -> Release:
    wanted = transitions.promote(canary(commits, since), since, 0)
    return transitions.confirm(wanted, "production", wanted.ring("production").generation, since)


def test_a_project_without_deploys_says_what_to_do_first():
    said = whole(Release("greeter"), [], 0.0, 0)

    assert "production: nothing" in said
    assert "next: greeter has no canary" in said
    assert "Push a commit" in said


def test_while_a_canary_is_deployed_what_it_ran_before_is_where_a_rollback_goes():
    known = transitions.advertise_canary(canary(7, HOUR, canary(6)), build(8), 2 * HOUR)

    assert f"; before: {build(7).version}" in whole(known, [], 2 * HOUR, 60)
    assert transitions.roll_back(known, "canary", 2 * HOUR).ring("canary").wanted == build(7)


def test_nobody_is_asked_to_promote_what_comes_by_itself():
    rings = Lifecycle((Stage("canary"), Stage("production", promote="auto", after=("canary",))))
    said = next_step(canary(7, 0.0, Release("greeter", lifecycle=rings)), 10.0, 60)

    assert said.endswith("It comes to production by itself in 50 s.")


def test_rings_have_version_commit_age_and_hosts():
    hosts = [host("web1", "canary", build(7).version), host("web2", "production", build(6).version)]
    said = whole(canary(7, HOUR, promoted(6)), hosts, 2 * HOUR, 60).splitlines()

    assert said[0] == "greeter"
    assert said[1] == "  production: 1.0-6.0000006 (healthy 2 h), commit 0000000, on 1 of 1 hosts"
    assert said[2].startswith("  canary: 1.0-7.0000007 (healthy 1 h), commit 0000000, on 1 of 1 hosts")
    assert said[-1] == "  next: `st2 run cicd.deploy_production project=greeter` promotes 1.0-7.0000007"


def test_a_canary_that_bakes_says_when_it_can_be_promoted():
    assert "Promote again in 20 s." in next_step(canary(1), 40.0, 60)


def test_when_canary_and_production_are_the_same_only_a_push_leads_on():
    assert "push a commit" in next_step(promoted(1), 60.0, 0)


def test_a_deploy_that_is_under_way_is_said_before_everything_else():
    walking = transitions.advertise_canary(Release("greeter"), build(1), 0.0)

    assert "a deploy to canary is under way" in next_step(walking, 60.0, 0)


def test_a_ring_that_is_taken_back_says_that_its_hosts_go_on_by_themselves():
    failed = transitions.advertise_canary(canary(1), build(2), 0.0)
    back = transitions.restore(failed, "canary", failed.ring("canary").generation, 1.0)

    assert f"its hosts converge to {build(1).version} by themselves" in next_step(back, 60.0, 0)


def test_holds_say_who_since_when_and_why_and_the_next_step_how_they_end():
    held = transitions.hold(canary(1), Holds(lock=Hold("ann", "db migration", 0.0)))
    said = whole(held, [], 2 * HOUR, 0)

    assert "locked by ann 2 h ago: db migration" in said
    assert "cicd.unlock_deploys" in said.splitlines()[-1]
    assert "locked by ann" in status_text.one_line(held, [], HOUR)


@pytest.mark.parametrize("known", [Release("greeter"), canary(1, since=59.0), promoted(1)])
def test_a_lock_is_the_next_step_before_the_bake_and_before_a_push(known):
    lock = Holds(lock=Hold("ann", "db migration", 0.0))

    assert next_step(transitions.hold(known, lock), 60.0, 600).startswith(
        "greeter is locked by ann: db migration. When that is over: st2 run cicd.unlock_deploys"
    )


def test_pending_approvals_are_counted_and_the_next_step_says_who_can_give_them():
    policy = Policy(count=2, approvers=("ann", "bob"))
    known = transitions.review(canary(1), build(1).version, "ann", Review(True, "looks good", 0.0))
    said = whole(known, [], 120.0, 0, {"production": Gate(policy)})

    assert "approved by ann 2 min ago: looks good" in said
    assert "approvals: 1 of 2" in said
    assert "has 1 of 2 approvals (ann)" in said.splitlines()[-1]
    assert "deploy_production" not in said


def test_hosts_that_are_not_as_wanted_are_named_with_the_reason():
    hosts = [
        host("web1", "canary", build(1).version),
        host("web2", "canary", build(3).version, "health is critical"),
        host("web3", "canary"),
    ]
    said = whole(canary(1), hosts, 60.0, 0)

    assert "web1" not in said
    assert "web2 (canary): runs 1.0-3.0000003, health is critical" in said
    assert "web3 (canary): runs nothing known" in said


def test_two_hundred_sick_hosts_stay_a_message_of_a_few_lines():
    hosts = [host(f"web{n}", "canary", "", "health is critical") for n in range(200)]
    said = whole(canary(1), hosts, 60.0, 0)

    assert len(said.splitlines()) < 20
    assert "and 192 more hosts" in said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (200000, "2 d")]
)
def test_an_age_is_said_in_its_largest_unit(seconds, said):
    assert sanitize.age(seconds) == said


def test_the_overview_has_one_line_for_each_project_and_reads_a_real_consul(consul):
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    store = Store(settings(consul))
    store.change(
        "greeter",
        "advertise_canary",
        "canary",
        CAUSE,
        lambda r: transitions.advertise_canary(r, build(1), 1.0),
    )
    all_of_them, one = (
        overview.everything(settings(consul)),
        overview.project_status(settings(consul), "greeter"),
    )

    assert all_of_them["projects"] == {"greeter": {"canary": build(1).version, "production": ""}}
    assert len(all_of_them["message"].splitlines()) == 1
    assert one["canary"]["version"] == build(1).version
    assert one["message"].splitlines()[-1] == f"  next: {one['next']}"
    assert all(f"  {note}" in one["message"].splitlines() for note in one["notes"])
    assert "ann: advertise canary, canary nothing -> 1.0-1.0000001 (deploy)" in overview.history(
        one["history"]
    )


def test_a_host_that_is_in_no_ring_is_named():
    host = {"name": "web9", "ring": "", "address": "", "version": "", "healthy": True, "reason": ""}

    assert "web9 is in no ring" in whole(canary(1), [host], 40.0, 60)


def test_of_a_list_of_rings_the_next_step_is_the_first_ring_that_lacks_what_is_before_it():
    rings = Lifecycle((Stage("staging", "s"), Stage("eu", "e", ("staging",)), Stage("us", "u", ("eu",))))
    known = transitions.advertise_canary(Release("greeter", lifecycle=rings), build(1), 0.0)
    said = []
    for ring in rings.names:
        known = transitions.confirm(known, ring, known.ring(ring).generation, 0.0)
        said.append(next_step(known, 1.0, 0))
        if ring != "us":
            known = transitions.promote(known, 1.0, 0, ring=rings.followers(ring)[0])

    assert said == [
        f"`st2 run cicd.promote project=greeter ring=eu` promotes {build(1).version}",
        f"`st2 run cicd.promote project=greeter ring=us` promotes {build(1).version}",
        "push a commit; all rings run what staging runs",
    ]


def three(promote: str = "manual") -> Release:
    """Return a release of three rings: version 1 is on the first two, and version 2 on the first one."""
    rings = Lifecycle(
        (Stage("staging", "s"), Stage("eu", "e", ("staging",), promote), Stage("us", "u", ("eu",)))
    )
    known = Release("greeter", lifecycle=rings)
    for number, ring in ((1, "staging"), (1, "eu"), (2, "staging")):
        known = (
            transitions.advertise_canary(known, build(number), number)
            if ring == "staging"
            else transitions.promote(known, 1e6, 0, ring=ring)
        )
        known = transitions.confirm(known, ring, known.ring(ring).generation, number)
    return known


def test_a_promotion_that_is_accepted_is_said_before_one_that_must_wait():
    assert (
        next_step(three(), 10.0, 9)
        == f"`st2 run cicd.promote project=greeter ring=us` promotes {build(1).version}"
    )
    assert (
        next_step(three(), 11.0, 9)
        == f"`st2 run cicd.promote project=greeter ring=eu` promotes {build(2).version}"
    )


def test_what_comes_by_itself_is_not_asked_of_a_person_unless_it_failed_there():
    known = three(promote="auto")
    failed = transitions.restore(
        transitions.promote(known, 1e6, 0, ring="eu"), "eu", known.generation + 1, 5.0, Stop("", "it died")
    )
    back = transitions.confirm(failed, "eu", failed.ring("eu").generation, 6.0)

    assert next_step(known, 1e6, 0) == f"{build(2).version} comes to eu by itself"
    assert (
        next_step(back, 1e6, 0)
        == f"`st2 run cicd.promote project=greeter ring=eu` promotes {build(2).version}"
    )
