"""Whoever listens to the stream hears what happens: executions, output and announcements."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx

from cicd.clients.stackstorm import StackStorm
from cicd.sanitize import neutral
from tests.conformance.local import Local
from tests.conformance.rest import Rest

Event = tuple[str, Any]


def listen(
    running: tuple[Local, Rest], query: dict[str, str], do: Callable[[], Any], last: Callable[[Event], bool]
) -> list[Event]:
    """Return the events from before `do` is called until `last` is true of one."""
    local, rest = running
    token = rest.client.headers["X-Auth-Token"]
    url = f"http://127.0.0.1:{local.stream_port}/v1/stream"
    events: list[Event] = []
    with httpx.stream(
        "GET", url, params={**query, "x-auth-token": token}, timeout=20, trust_env=False
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        worker: threading.Thread | None = None
        name = ""
        for line in answer.iter_lines():
            if worker is None:
                worker = threading.Thread(target=do)
                worker.start()
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                events.append((name, json.loads(line.removeprefix("data: "))))
                if last(events[-1]):
                    break
    assert worker is not None
    worker.join()
    return events


def test_an_execution_is_followed_from_its_request_to_its_end(running: tuple[Local, Rest]) -> None:
    def last(event: Event) -> bool:
        return event[1]["status"] == "succeeded" and "secret" in event[1]["parameters"]

    query = {"action_refs": "probe.echo"}
    events = listen(running, query, lambda: running[1].run("probe.echo", {"secret": "s"}), last)
    events = [(name, body) for name, body in events if "secret" in body["parameters"]]
    assert [(name, body["status"]) for name, body in events] == [
        ("st2.execution__create", "requested"),
        ("st2.execution__update", "running"),
        ("st2.execution__update", "succeeded"),
    ]
    assert events[0][1]["parameters"]["secret"] == "********"


def test_only_the_wanted_events_come(running: tuple[Local, Rest]) -> None:
    events = listen(
        running,
        {"events": "st2.execution.output__create"},
        lambda: running[1].run("probe.echo", {"how": "print", "value": "heard"}),
        lambda event: "heard" in event[1]["data"],
    )
    assert {name for name, _ in events} == {"st2.execution.output__create"}
    assert events[-1][1]["output_type"] == "stdout"


def test_an_announcement_is_heard_on_its_route(running: tuple[Local, Rest]) -> None:
    events = listen(
        running,
        {},
        lambda: running[1].run("probe.announce", {"message": "hear", "route": "probe"}),
        lambda event: event[0] == "st2.announcement__probe",
    )
    assert events[-1][1]["payload"] == {"message": "hear"}


def test_the_result_of_a_command_is_announced_to_its_bot(running: tuple[Local, Rest]) -> None:
    command = {
        "command": "probe say hello",
        "user": "chatty",
        "source_channel": "room",
        "notification_route": "errbot",
    }
    events = listen(
        running,
        {},
        lambda: running[1].ask("POST", "/aliasexecution/match_and_execute", command),
        lambda event: event[0] == "st2.announcement__errbot",
    )
    said = events[-1][1]["payload"]
    assert (said["message"], said["user"], said["channel"]) == ("said hello", "chatty", "room")


def test_who_comes_after_the_end_is_told_of_it(running: tuple[Local, Rest]) -> None:
    identifier = running[1].run("core.noop")["id"]
    query = {"end_event": "st2.execution__update", "end_execution_id": identifier}
    events = listen(running, query, lambda: None, lambda event: True)
    assert [(name, body["id"], body["status"]) for name, body in events] == [
        ("st2.execution__update", identifier, "succeeded")
    ]


def test_a_notice_is_announced_to_the_bot_that_listens_to_its_route(running: tuple[Local, Rest]) -> None:
    local, rest = running
    token = str(rest.client.headers["X-Auth-Token"])
    url = f"http://127.0.0.1:{local.api_port}/v1"
    stackstorm = StackStorm({"ST2_ACTION_API_URL": url, "ST2_ACTION_AUTH_TOKEN": token})
    events = listen(
        running,
        {},
        lambda: stackstorm.say("deploys", "#room", neutral("greeter: {{ st2kv.system.x }} runs")),
        lambda event: event[0] == "st2.announcement__deploys",
    )
    said = events[-1][1]["payload"]
    assert (said["message"], said["channel"]) == ("greeter: {\u200b{ st2kv.system.x }} runs", "#room")


def printed(running: tuple[Local, Rest], identifier: str, query: dict[str, str] | None = None) -> list[Event]:
    """Return all that the live output of an execution tells, up to its end."""
    local, rest = running
    token = rest.client.headers["X-Auth-Token"]
    url = f"http://127.0.0.1:{local.stream_port}/v1/executions/{identifier}/output"
    params = {**(query or {}), "x-auth-token": token}
    answer = httpx.get(url, params=params, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    events = []
    for block in answer.text.strip().split("\n\n"):
        name, _, data = block.strip().partition("\n")
        is_end = name == "event: EOF"
        events.append((name.removeprefix("event: "), None if is_end else json.loads(data[len("data: ") :])))
    return events


def text(events: list[Event]) -> str:
    return "".join(body["data"] for _, body in events if body)


def test_live_output_has_each_line_once_and_then_its_end(running: tuple[Local, Rest]) -> None:
    cmd = "for i in $(seq 200); do echo line $i; done; sleep 1; echo last"
    identifier = running[1].start("core.local", {"cmd": cmd})["id"]
    events = printed(running, identifier)
    assert text(events).split("\n") == [*(f"line {number + 1}" for number in range(200)), "last", ""]
    assert [name for name, _ in events if name != "st2.execution.output__create"] == ["EOF"]
    assert events[-1] == ("EOF", None)
    assert running[1].get(f"/executions/{identifier}")["status"] == "succeeded"


def test_output_of_what_has_ended_is_told_whole_or_of_one_kind(running: tuple[Local, Rest]) -> None:
    identifier = running[1].run("probe.echo", {"how": "print", "value": "said", "count": 3})["id"]
    assert text(printed(running, identifier, {"output_type": "stdout"})) == "said 0\nsaid 1\nsaid 2\n"
    assert text(printed(running, identifier, {"output_type": "stderr"})) == "to stderr\n"
    both = printed(running, identifier, {"output_type": "all"})
    assert {body["output_type"] for _, body in both if body} == {"stdout", "stderr"}
    assert both[0][1]["execution_id"] == identifier


def test_live_output_of_nothing_is_not_found(running: tuple[Local, Rest]) -> None:
    local, rest = running
    url = f"http://127.0.0.1:{local.stream_port}/v1/executions/{'0' * 24}/output"
    assert httpx.get(url, trust_env=False).status_code == 401
    params = {"x-auth-token": rest.client.headers["X-Auth-Token"]}
    assert httpx.get(url, params=params, trust_env=False).status_code == 404
