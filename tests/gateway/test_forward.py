"""What is accepted reaches StackStorm: once, in order, and whatever it answers."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway.gateways import states
from tests.gateway.wire import COMMIT, KEY, call_back, callback, deliver, eventually, push


def test_a_push_arrives_reduced_with_key_trace_and_its_own_headers(gateway, stackstorm):
    deliver(gateway, push(), delivery="72d3162e")
    eventually(lambda: stackstorm.got)

    path, headers, body = stackstorm.got[0]
    assert path == "/v1/webhooks/cicd/github"
    assert headers["St2-Api-Key"] == KEY
    assert headers["St2-Trace-Tag"] == f"acme/greeter@{COMMIT}"
    assert (headers["X-GitHub-Event"], headers["X-GitHub-Delivery"]) == ("push", "72d3162e")
    assert body["pusher"] == {"name": "ann"}
    assert not {"message", "author"} & set(body["head_commit"])
    assert body["cicd"]["paths"] == ["app/main.py"]


@pytest.mark.parametrize(("trace", "tag"), [(f"a/b@{COMMIT}", f"a/b@{COMMIT}"), ("{{ x }}", None)])
def test_a_callback_joins_the_trace_of_its_commit(gateway, stackstorm, trace, tag):
    call_back(gateway, callback(parameters={"PROJECT": "greeter", "COMMIT": COMMIT, "TRACE": trace}))
    eventually(lambda: stackstorm.got)

    path, headers, _ = stackstorm.got[0]
    assert path == "/v1/webhooks/cicd/jenkins"
    assert headers.get("St2-Trace-Tag") == tag


def test_a_push_replayed_five_times_and_twenty_at_once_is_forwarded_once(gateway, stackstorm):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: deliver(gateway, push(), delivery="same"), range(20)))
    answers += [deliver(gateway, push(), delivery="same") for _ in range(5)]
    settle(gateway)

    assert {answer.status_code for answer in answers} == {202}
    assert [line["decision"] for line in gateway.audit].count("accepted") == 1
    assert len(stackstorm.calls) == 1


def test_the_same_move_again_is_another_push_and_is_forwarded_in_its_place(gateway, stackstorm):
    a, b = "a" * 40, "b" * 40
    for number, (before, after) in enumerate([(a, b), (b, a), (a, b)]):
        said = deliver(gateway, push(before=before, after=after), delivery=f"d{number}").json()["decision"]
        assert said == "accepted"
    again = deliver(gateway, push(before=a, after=b), delivery="d0").json()["decision"]
    settle(gateway)

    assert again == "duplicate"
    assert [body["after"] for _, _, body in stackstorm.got] == [b, a, b]
    assert [headers["X-GitHub-Delivery"] for _, headers, _ in stackstorm.got] == ["d0", "d1", "d2"]


def settle(gateway):
    """Return once nothing waits."""
    eventually(lambda: "waiting" not in {state for state, _ in states(gateway.folder)})


def test_every_phase_of_a_build_counts_once(gateway, stackstorm):
    for phase in ("STARTED", "STARTED", "FINALIZED", "FINALIZED"):
        call_back(gateway, callback(phase=phase))
    settle(gateway)

    assert [body["build"]["phase"] for _, _, body in stackstorm.got] == ["STARTED", "FINALIZED"]


def test_stackstorm_answering_500_twice_loses_nothing_and_doubles_nothing(gateway, stackstorm):
    stackstorm.answers = [500, 500]
    deliver(gateway, push())
    settle(gateway)

    assert stackstorm.calls == [500, 500, 202]


@pytest.mark.parametrize("status", [301, 401, 404, 429])
def test_what_may_pass_is_tried_again(gateway, stackstorm, status):
    stackstorm.answers = [status]
    deliver(gateway, push())
    settle(gateway)

    assert stackstorm.calls == [status, 202]


def test_a_400_parks_the_event_and_its_redelivery_goes_again(gateway, stackstorm):
    stackstorm.answers = [400]
    deliver(gateway, push())
    settle(gateway)
    assert states(gateway.folder) == [("parked", '{"faultstring": "no such trigger"}')]
    assert gateway.audit[-1]["decision"] == "parked"

    assert deliver(gateway, push()).json()["decision"] == "accepted"
    settle(gateway)
    assert stackstorm.calls == [400, 202]


def test_events_of_one_repository_arrive_in_order_and_another_does_not_wait(gateway, stackstorm):
    stackstorm.answers = [500, 500, 500]
    commits = [f"{number:040x}" for number in range(10)]
    for number, commit in enumerate(commits):
        deliver(gateway, push(after=commit), delivery=f"n{number}")
    eventually(lambda: len(stackstorm.calls) >= 3)
    deliver(gateway, push(repository={"full_name": "acme/other"}, after="b" * 40), delivery="other")
    settle(gateway)

    assert [commit for commit in stackstorm.commits if commit != "b" * 40] == commits
    assert len(stackstorm.got) == 11


def test_what_waits_when_the_gateway_stops_goes_on_when_it_starts(local, silent):
    with local.serving():
        assert deliver(local, push()).json()["decision"] == "accepted"
    assert [state for state, _ in states(local.folder)] == ["waiting"]

    with silent.answering(), local.serving():
        settle(local)
    assert silent.commits == [COMMIT]


def test_every_event_of_an_idle_gateway_wakes_it(gateway, stackstorm):
    for number in range(20):
        deliver(gateway, push(after=f"{number:040x}"), delivery=f"n{number}")
        eventually(lambda number=number: len(stackstorm.got) > number)


def test_a_run_of_github_actions_goes_to_the_same_webhook_with_githubs_word_for_it(gateway, stackstorm):
    run = {"id": 10_000_000_001, "head_sha": "a" * 40, "event": "workflow_dispatch", "name": "{{ 7 * 7 }}"}
    body = {"action": "completed", "workflow_run": run, "repository": {"full_name": "acme/greeter"}}
    deliver(gateway, json.dumps(body).encode(), "d1", "workflow_run")
    eventually(lambda: stackstorm.got)
    ((path, headers, got),) = stackstorm.got

    assert path == "/v1/webhooks/cicd/github"
    assert (headers["X-GitHub-Event"], headers["X-GitHub-Delivery"]) == ("workflow_run", "d1")
    assert headers["St2-Trace-Tag"] == f"acme/greeter@{'a' * 40}"
    assert got["workflow_run"] == {key: value for key, value in run.items() if key != "name"}
