"""Every run that stopped says where, why and what next: in what people ask for, and to GitHub."""

from dataclasses import replace

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cicd.ci import event_log, progress, run, run_step
from cicd.ci.run import Run
from cicd.ci.runs import Runs
from cicd.errors import HostError, ProjectError, Refused
from cicd.fleet import rollout_summary
from cicd.release import record, stop, transitions
from cicd.release.host_report import HostReport
from cicd.release.record import Cause
from cicd.release.stop import Stop
from cicd.release.transitions import Release
from cicd.reports import overview, report
from cicd.store.store import Store
from tests.lib.release.test_transitions import build, canary_of
from tests.lib.store.test_store import settings

COMMIT, NOW = "a" * 40, 10_000.0
PASSED = Run("passed", NOW, "ann", build=7)
KEY = run.key("greeter", COMMIT)
BREAKS = "greeter breaks the project contract: script/post-inst is missing."


def entry(what: str, before: Release, after: Release, ring: str = "canary") -> dict:
    return record.audit(before, after, what, ring, Cause("ann", "because", NOW, "e9"))


def traced(commits: int):
    return record.Build(
        f"1.0-{commits}.{commits:07x}", "greeter", f"{commits:040x}", "0" * 64, f"acme/greeter@{commits:040x}"
    )


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_what_a_stop_keeps_is_one_bounded_line_that_neither_template_nor_terminal_acts_on(why, log):
    kept = stop.of("update hosts", HostError(why, why, log=log), "e1", 1.0)

    for text, limit in ((kept.why, 500), (kept.hint, 300), (kept.log, 601)):
        assert "{{" not in text
        assert "<%" not in text
        assert not set(text) & set("\n\r\t\x00\x1b\x07\x08\u202a\u202e\u2066")
        assert len(text.replace("\u200b", "")) <= limit


def test_a_failing_units_last_lines_come_with_the_failure():
    reports = [
        HostReport("web1", state="converged", log="fine"),
        HostReport("web2", state="failed", message="greeter.service is not active", log="no {{port}}"),
    ]
    kept = stop.of(
        "update hosts",
        HostError("1 of 2 hosts failed.", "Look.", **rollout_summary.summary(reports, 0)),
        "",
        1.0,
    )

    assert kept.sentence == "at update hosts: 1 of 2 hosts failed. It said last: web2: no {\u200b{port}}"


@pytest.mark.parametrize("step", progress.PACKAGING)
def test_a_run_that_stopped_at_any_step_of_packaging_is_red_on_github_with_the_sentence(step):
    ended = Stop(step, BREAKS, "Add it and push.", execution="e1", when=NOW)
    ci, package = report.of_runs({COMMIT: replace(PASSED, stop=ended)}, {}, 0.0, NOW)

    assert (ci.context, ci.state) == ("cicd/ci", report.SUCCESS)
    assert (package.context, package.state, package.execution) == ("cicd/package", report.FAILURE, "e1")
    assert package.said == f"stopped at {step}: {BREAKS}"


def test_a_package_that_the_canary_refused_is_red_there():
    ended = Stop(progress.ADVERTISE, "greeter is locked by ann: db migration.", when=NOW)
    found = report.of_runs({COMMIT: replace(PASSED, version="1.0", stop=ended)}, {}, 0.0, NOW)

    assert [(one.context, one.state) for one in found][1:] == [("cicd/canary", report.FAILURE)]
    assert "not deployed to canary: greeter is locked by ann" in found[1].said


def test_a_run_that_was_killed_while_it_packaged_is_said_to_have_stopped_and_not_before():
    known = replace(PASSED, step="build package", step_at=NOW)

    assert progress.of(known, NOW + 60) is None
    ended = progress.of(known, NOW + progress.SILENT_SECONDS)
    assert "no sign of life" in ended.why
    assert f"st2 run cicd.publish_apt_package project=greeter commit={COMMIT}" in progress.told(
        "greeter", COMMIT, ended
    )
    assert report.of_package(COMMIT, known, NOW + progress.SILENT_SECONDS).state == report.FAILURE


def test_what_was_told_is_told_once_and_its_end_after_it():
    stopped = {COMMIT: replace(PASSED, stop=Stop("read metadata", BREAKS, when=NOW))}
    known = {one.about: one.mark for one in report.of_runs(stopped, {}, 0.0, NOW)}
    mended = {COMMIT: replace(PASSED, version="1.0-1.aaaaaaa")}

    assert report.of_runs(stopped, known, 0.0, NOW) == []
    assert [(o.context, o.state) for o in report.of_runs(mended, known, 0.0, NOW)] == [
        ("cicd/package", report.SUCCESS)
    ]


def contexts(history: list[dict]) -> list[tuple[str, str]]:
    return [(one.state, one.said) for one in report.of_history(history, 0)]


def test_whatever_ends_a_deploy_ends_its_status_on_github_and_says_why():
    empty = Release("greeter")
    first = transitions.advertise_canary(empty, traced(1), 0)
    why = Stop("update hosts", "web1: greeter.service is not active.", execution="e1")
    back = transitions.restore(first, "canary", first.ring("canary").generation, 1, why)
    stopped = transitions.restore(first, "canary", first.ring("canary").generation, 1, why, left=True)
    newer = transitions.advertise_canary(first, traced(2), 1)
    begun = entry("advertise_canary", empty, first)

    ends = [("restore", back), ("stop", stopped), ("advertise_canary", newer)]
    said = [contexts([begun, entry(what, first, after)])[1] for what, after in ends]

    assert [state for state, _ in said] == [report.FAILURE, report.FAILURE, report.ERROR]
    assert all("web1: greeter.service is not active." in words for _, words in said[:2])
    assert "was overtaken by" in said[2][1]


def test_the_history_names_the_step_the_reason_and_the_execution():
    first = transitions.advertise_canary(Release("greeter"), build(1), 0)
    why = Stop("update hosts", "web1: it is not active.", execution="e1")
    back = transitions.restore(first, "canary", first.ring("canary").generation, 1, why)
    shown = {**entry("restore", first, back), "why": why.sentence}

    assert "(at update hosts: web1: it is not active.), execution e1" in overview.history([shown])


def test_a_run_that_stopped_stands_in_the_history_among_the_changes():
    changed = entry("advertise_canary", Release("greeter"), canary_of(1))
    later = {COMMIT: replace(PASSED, stop=Stop("read metadata", BREAKS, execution="e1", when=NOW + 5))}

    first, second = overview.history([changed], "greeter", later).splitlines()

    assert f"ann: run of {COMMIT[:7]} stopped at read metadata: {BREAKS} (execution e1)" in first
    assert "advertise canary" in second


@pytest.fixture
def store(consul: str) -> Store:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    return Store(settings(consul))


def test_a_contract_that_is_broken_is_said_by_get_release_and_list_events_with_its_execution(
    store, consul, monkeypatch
):
    monkeypatch.setenv("ST2_ACTION_EXECUTION_ID", "e1")
    store.put(KEY, run.as_json(PASSED))
    told = {"at": NOW, "project": "greeter", "commit": COMMIT, "ref": "x/y", "decision": "build"}
    store.put("cicd/events/1-x", {**event_log.NO_PUSH, **told, "reason": "it is new"})
    step = run_step.of(settings(consul), {"project": "greeter", "commit": COMMIT}, "read metadata")

    def breaks() -> dict:
        raise ProjectError(BREAKS, "Add it and push.")

    with pytest.raises(ProjectError):
        step.record(breaks)

    said = f"stopped at read metadata: {BREAKS} (execution e1) Next: Add it and push."
    assert said in event_log.lines(event_log.events(store, 1)[0])
    shown = overview.project_status(settings(consul), "greeter")["message"]
    assert f"the run of {COMMIT[:7]} stopped" in shown
    assert f"at read metadata: {BREAKS} (execution e1)" in shown
    step.record(lambda: {"version": "1.0"})
    assert "stopped" not in event_log.lines(event_log.events(store, 1)[0])


def test_a_person_who_is_refused_an_older_version_says_nothing_of_its_run(store, consul):
    version = build(1).version
    store.put(f"cicd/greeter/packages/{version}", {"commit": COMMIT})
    store.put(KEY, run.as_json(replace(PASSED, step=progress.ADVERTISE, version=version)))
    step = run_step.of(settings(consul), {"project": "greeter", "version": version}, progress.ADVERTISE)

    def refuses() -> dict:
        raise Refused("it is older", "")

    with pytest.raises(Refused):
        step.record(refuses)
    assert Runs(store, "greeter").find(COMMIT).stop is None
