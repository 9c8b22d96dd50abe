"""What people are told of a run, a change or an alarm, and what of it they are not told."""

import pytest
import yaml

from cicd import config, config_schema
from cicd.ci.run import Run
from cicd.clients import mail, webhook
from cicd.fleet import rollout_log
from cicd.notice_targets import NoticeTarget
from cicd.release import rollout_record, stop
from cicd.release.stop import Stop
from cicd.reports import notice
from cicd.sanitize import unlinked
from tests.lib.consul_settings import EXAMPLE

COMMIT = "a" * 40
OLD, NEW = "1.0-1.aaaaaaa", "1.1-2.bbbbbbb"


def project(**more):
    values = yaml.safe_load(EXAMPLE.read_text())
    values["projects"]["greeter"].update(more)
    return config.parse(values).project("greeter")


def entry(what: str, ring: str, generation: int = 2, **more) -> dict:
    known = {"what": what, "ring": ring, "generation": generation, "who": "ann", "why": "because"}
    return {**known, "when": 100.0 * generation, "from": OLD, "to": NEW, "trace": f"a/b@{COMMIT}", **more}


def told(*history: dict, after: int = 1, **more) -> list[notice.Notice]:
    return notice.of_history(project(**more), history, after)


STOPPED = {"step": "update hosts", "why": "app1 is not healthy.", "hint": "See app1.", "execution": "e"}


@pytest.mark.parametrize(
    ("change", "events", "said"),
    [
        (entry("promote", "production"), ("promoted",), "1.1-2.bbbbbbb is being deployed to production"),
        (entry("break_glass", "production"), ("break_glass",), "1.1-2.bbbbbbb is being deployed"),
        (entry("confirm", "production"), ("production_good",), "1.1-2.bbbbbbb runs on production"),
        (entry("degrade", "canary"), ("canary_good",), "1.1-2.bbbbbbb runs on canary"),
        (entry("restore", "canary", stop=STOPPED), ("canary_taken_back",), "1.0-1.aaaaaaa failed on canary"),
        (entry("restore", "production", stop=STOPPED), ("production_taken_back",), "1.0-1.aaaaaaa failed"),
        (entry("stop", "production", stop=STOPPED), ("production_failed",), "1.0-1.aaaaaaa stopped on"),
        (entry("roll_back", "production"), ("rolled_back",), "production is rolled back from 1.0-1.aaaaaaa"),
        (
            entry("roll_back", "canary", why="an alarm: HTTP 5xx"),
            ("rolled_back", "alarm"),
            "canary is rolled back",
        ),
        (entry("judge", "canary"), ("canary_judged",), "1.1-2.bbbbbbb on canary: because"),
        (entry("lock", "production"), ("held",), "locked by ann: because"),
        (entry("freeze", "production"), ("held",), "frozen by ann: because"),
        (entry("veto", "production"), ("held",), "a version is vetoed by ann: because"),
        (entry("reject", "canary"), ("reviewed",), "rejected by ann: because"),
        (entry("publish_past_ci", "canary"), ("break_glass",), "a commit is packaged, by ann"),
    ],
)
def test_each_outcome_is_one_notice(change, events, said):
    (found,) = told(change)

    assert found.events == events
    assert found.said.startswith(said)


@pytest.mark.parametrize(
    "change",
    [entry("advertise_canary", "canary"), entry("set_traffic", "canary"), entry("adopt", "production")],
)
def test_what_ends_nothing_is_told_to_nobody(change):
    assert told(change) == []


def test_the_end_of_a_deploy_says_who_began_it_how_long_it_took_and_what_to_type():
    (found,) = told(entry("advertise_canary", "canary", 1), entry("confirm", "canary"))

    assert notice.lines(found, ["app1", "app2"]) == [
        "greeter: 1.1-2.bbbbbbb runs on canary: because",
        "commit aaaaaaa, begun by ann, took 1 min, 2 hosts",
        "Next: `deploy production greeter` once it has run for 10 min",
    ]


def test_what_nobody_asked_for_names_nobody_and_its_reason_once():
    history = entry("advertise_canary", "canary", 1, who="cicd"), entry("confirm", "canary", who="cicd")
    why = {3: "by itself, from the canary", 4: "an alarm: HTTP 5xx on app1 (prometheus)"}
    promoted = entry("promote", "production", 3, why=why[3], who="eve")
    back = entry("roll_back", "canary", 4, why=why[4], who="prometheus")
    found = told(*history, promoted, back)

    assert "begun by" not in str(found[0].facts)
    assert [one.said for one in found[1:]] == [
        f"{NEW} is being deployed to production, promoted by itself, from the canary",
        f"canary is rolled back from {OLD} to {NEW}, an alarm: HTTP 5xx on app1 (prometheus)",
    ]


@pytest.mark.parametrize(("what", "kind"), [("restore", "canary_taken_back"), ("stop", "canary_failed")])
@pytest.mark.parametrize("state", [rollout_record.RUNNING, rollout_record.CANCELLED])
def test_a_deploy_that_died_is_told_with_what_was_done(what, kind, state):
    died = stop.to_json(rollout_log.why_ended({"state": state, "at": 0.0}, 0.0, 90.0))
    (found,) = told(entry(what, "canary", stop=died))

    assert found.events == (kind, "deploy_lost")
    assert died["why"] in found.said


def test_a_canary_that_waits_for_people_says_what_they_type():
    (found,) = told(entry("confirm", "canary"), approval={"count": 1})

    assert found.events == ("canary_good", "approval_wanted")
    assert found.following.startswith(f"`approve greeter {NEW}`")


def test_a_ring_has_its_own_time_to_bake_and_the_next_one_its_own_way_there():
    rings = [{"name": "staging", "tag": "s", "min_bake_seconds": 60}, {"name": "canary", "promote": "auto"}]
    (found,) = told(entry("confirm", "staging"), rings=[*rings, {"name": "production"}])

    assert found.following == (
        "unless it failed there before, it comes to canary by itself once it has run for 1 min"
    )


def test_a_good_version_offers_what_can_be_done_about_it_and_one_that_went_back_nothing():
    (approved,) = told(entry("confirm", "canary"), approval={"count": 1})
    (production,) = told(entry("confirm", "production"))
    went_back = told(entry("roll_back", "canary", 2), entry("confirm", "canary", 3))

    assert [(one.what, one.ring) for one in approved.buttons] == [
        ("approve", "canary"),
        ("reject", "canary"),
        ("promote", "production"),
        ("rollback", "canary"),
    ]
    assert [(one.what, one.version) for one in production.buttons] == [("rollback", NEW)]
    assert [one.buttons for one in went_back] == [(), ()]


def test_a_ring_that_went_back_offers_no_promotion():
    (_, found) = told(entry("roll_back", "canary", 2), entry("confirm", "canary", 3))

    assert "again" in found.said
    assert found.following == ""


def test_a_failure_says_its_own_hint():
    (found,) = told(entry("restore", "canary", stop=STOPPED))

    assert notice.lines(found)[-1] == "Next: See app1."


def test_a_failed_run_is_told_once_and_again_when_it_fails_again():
    runs = {COMMIT: Run("failed", 100.0, user="ann", branch="main", build=7, status="FAILURE")}
    began, found = notice.of_runs(project(), runs, {}, 50.0, 200.0)
    after = {one.about: one.mark for one in (began, found)}

    assert began.events == ("ci_started",)
    assert notice.lines(began) == ["greeter: aaaaaaa of main: CI runs as build 7", "pushed by ann"]
    assert notice.lines(found)[:2] == [
        "greeter: aaaaaaa of main: CI did not pass: FAILURE",
        "pushed by ann",
    ]
    assert notice.of_runs(project(), runs, after, 50.0, 200.0) == []
    again = {COMMIT: Run("failed", 150.0, build=8, status="FAILURE")}
    assert len(notice.of_runs(project(), again, after, 50.0, 200.0)) == 2


@pytest.mark.parametrize("stage", ["building", "passed", "superseded"])
def test_a_run_that_did_not_fail_is_told_to_nobody(stage):
    assert notice.of_runs(project(), {COMMIT: Run(stage, 100.0)}, {}, 50.0, 200.0) == []


def test_a_package_that_could_not_be_built_is_told_with_what_to_do():
    ended = Stop("build package", "FPM failed.", hint="Correct fpm.json.", when=120.0)
    runs = {COMMIT: Run("passed", 100.0, step="build package", step_at=110.0, stop=ended)}
    (found,) = notice.of_runs(project(), runs, {}, 50.0, 200.0)

    assert found.events == ("package_failed",)
    assert found.following == "Correct fpm.json."


def test_an_alarm_is_told_when_people_decide_and_not_when_it_is_ignored():
    alarm = {
        "project": "greeter",
        "at": 100.0,
        "ring": "production",
        "said": "HTTP 5xx",
        "reason": "too late",
    }
    log = {
        "1": {**alarm, "decision": "ask"},
        "2": {**alarm, "decision": "ignore"},
        "3": {**alarm, "decision": "ask", "project": "other"},
    }
    (found,) = notice.of_alarms("greeter", log, {}, 50.0)

    assert found.said == "HTTP 5xx: too late"
    assert notice.lines(found)[-1] == "Next: `rollback production greeter`"
    assert notice.of_alarms("greeter", log, {found.about: found.mark}, 50.0) == []


def test_a_stranger_calls_nobody_and_links_nowhere():
    said = webhook.text([unlinked("<!here> @channel <http://evil|x> [x](y) www.evil")], "https://st2/e?a&b")

    first, last = said.splitlines()
    assert last == "<https://st2/e?a&amp;b>"
    assert [sign for sign in ("<", "@channel", "://", "](", "www.") if sign in first] == []


def test_a_bot_that_hands_text_on_to_slack_as_it_is_calls_nobody_either():
    said = unlinked("<!here> <!subteam^S1> <#C1> <@U1> <mailto:eve@x|more>")

    assert [sign for sign in ("<!", "<#", "<@U", "<m") if sign in said] == []


def test_no_text_adds_a_header_to_a_mail():
    target = NoticeTarget("x", "mail", sender="cicd@example.com", recipients=("ann@example.com",))
    made = mail.message(
        target, notice.lines(told(entry("lock", "production", why="x\r\nBcc: eve@x"))[0]), "", "1"
    )

    assert made["Subject"] == "greeter: locked by ann: x Bcc: eve@x"
    assert made["Bcc"] is None
    assert made["To"] == "ann@example.com"


def test_text_that_no_encoding_has_is_told_all_the_same():
    (found,) = told(entry("lock", "production", why="x\ud800"))

    assert notice.lines(found)[0] == "greeter: locked by ann: x?"


def test_the_schema_names_the_events_that_there_are():
    items = config_schema.attributes()["notices"]["items"]["properties"]["events"]["items"]
    rings = {f"{kind}_{end}" for kind in ("canary", "production") for end in ("good", "failed", "taken_back")}
    others = {*notice.OF_RUNS, "canary_judged", "approval_wanted", "alarm", notice.LOST}
    others |= {"drift", "key_expires"}

    assert set(items["enum"]) == rings | others | {event for event, _ in notice.CHANGES.values()}
