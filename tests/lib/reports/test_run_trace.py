"""The run of a commit is a trace: to a stand-in of a collector, by way of a real Consul."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from cicd.ci import run
from cicd.ci.run import Run
from cicd.ci.step_times import StepTime
from cicd.config import Project
from cicd.notice_targets import NoticeTarget
from cicd.release import transitions
from cicd.release.record import Build, Cause
from cicd.reports import notifier, run_trace
from cicd.reports.notice import Notice
from cicd.store.store import Store
from tests.lib.consul_settings import settings

COMMIT = "a" * 40
BUILD = Build("1.0-1.aaaaaaa", "greeter", COMMIT, "0" * 64, f"acme/greeter@{COMMIT}")
TIMES = {
    number: StepTime(100.0 + 10 * number, 8.5, f"e{number}") for number in (2, 3, 4, 5, 7, 8, 13, 14, 15)
}
LATER = {number: StepTime(100.0 + 10 * number, 8.5, f"e{number}") for number in (16, 17, 18, 19)}
PROJECT = Project("greeter", "acme/greeter")


def ended(ring: str, *events: str, said: str = "all is well") -> Notice:
    return Notice(events=events, project="greeter", said=said, mark="7", ring=ring, commit=COMMIT)


def spans(known: Run, notice: Notice) -> dict[str, run_trace.Span]:
    return {span["name"]: span for span in run_trace.of(PROJECT, known, notice)}


def attributes(span: run_trace.Span) -> dict[str, str]:
    return {one["key"]: one["value"]["stringValue"] for one in span["attributes"]}


def test_the_first_part_is_the_root_and_has_each_step_below_it():
    found = spans(Run(run.PASSED, 1.0, claimed_by="e5", times=TIMES), ended("canary", "canary_good"))
    root, fetched = found["greeter aaaaaaa to canary"], found["8 fetched"]

    assert root["parentSpanId"] == ""
    assert (root["startTimeUnixNano"], root["endTimeUnixNano"]) == ("120000000000", "258500000000")
    assert root["status"] == {"code": run_trace.OK}
    assert attributes(root)["cicd.pipeline.result"] == "success"
    assert attributes(root)["vcs.ref.head.revision"] == COMMIT
    assert found["15 first ring updated"]["parentSpanId"] == root["spanId"]
    assert fetched["parentSpanId"] == found["6 packaging"]["spanId"]
    assert attributes(fetched)["cicd.pipeline.task.run.id"] == "e8"
    assert len({span["spanId"] for span in found.values()}) == len(found) == 11
    assert {len(span["traceId"]) for span in found.values()} == {32}


def test_a_promotion_is_a_part_of_the_same_trace_below_its_root():
    known = Run(run.PASSED, 1.0, times={**TIMES, **LATER})
    first = spans(known, ended("canary", "canary_good"))["greeter aaaaaaa to canary"]
    found = spans(known, ended("production", "production_good"))

    assert sorted(found) == [
        "16 bakes", "17 promotion asked for", "18 advertised to the last ring", "19 last ring updated",
        "greeter aaaaaaa to production",
    ]  # fmt: skip
    assert found["greeter aaaaaaa to production"]["parentSpanId"] == first["spanId"]
    assert {span["traceId"] for span in found.values()} == {first["traceId"]}


def test_what_failed_is_the_part_and_its_last_step_with_why():
    known = Run(run.FAILED, 1.0, times={number: TIMES[number] for number in (2, 3, 4)})
    found = spans(known, ended("", "ci_failed", said="no\n<b>" + "x" * 500))

    bad = {name for name, span in found.items() if span["status"]["code"] == run_trace.ERROR}
    assert bad == {"greeter aaaaaaa", "4 cloned and tested"}
    assert len(found["4 cloned and tested"]["status"]["message"]) <= run_trace.SAID_CHARACTERS


def test_what_is_sent_again_has_the_same_ids_and_an_old_run_has_no_trace():
    known = Run(run.PASSED, 1.0, times=TIMES)

    assert spans(known, ended("canary", "canary_good")) == spans(known, ended("canary", "canary_good"))
    assert run_trace.of(PROJECT, Run(run.PASSED, 1.0), ended("canary", "canary_good")) == []


class Collector(BaseHTTPRequestHandler):
    """A stand-in of a collector: it takes OTLP in JSON at its path alone."""

    taken: list[dict] = []
    is_up = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_right = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json"
        status = (200 if is_right else 404) if self.is_up else 503
        if status == 200:
            self.taken.append(body)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[str]:
    Collector.taken.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_collector_that_was_down_gets_the_run_once_when_it_is_back(consul, collector, monkeypatch):
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    known = settings(consul, projects={"greeter": {"repository": "acme/greeter"}})
    known = replace(known, notices=(NoticeTarget("traces", "opentelemetry", url=collector),))
    store = Store(known)

    def change(what: str, decide) -> None:
        store.change(
            "greeter", what, "canary", Cause("ann", "because", time.time(), "e1", BUILD.trace), decide
        )

    def deploy() -> None:
        change("advertise_canary", lambda r: transitions.advertise_canary(r, BUILD, 1.0))
        change("confirm", lambda r: transitions.confirm(r, "canary", r.canary.generation, 2.0))

    notifier.notify(known, store, "greeter")
    store.put(run.key("greeter", COMMIT), run.as_json(Run(run.PASSED, 1.0, times=TIMES)))
    deploy()
    change("lock", lambda r: transitions.hold(r, r.holds))
    monkeypatch.setattr(Collector, "is_up", False)
    down = notifier.notify(known, store, "greeter")
    monkeypatch.setattr(Collector, "is_up", True)
    store.update(f"{notifier.prefix('greeter')}traces", lambda told: {**told, "not_before": 0})
    notifier.notify(known, store, "greeter")
    notifier.notify(known, store, "greeter")

    assert down["left"]
    (body,) = Collector.taken
    (sent,) = body["resourceSpans"][0]["scopeSpans"]
    assert {span["name"] for span in sent["spans"]} >= {"greeter aaaaaaa to canary", "15 first ring updated"}
    assert body["resourceSpans"][0]["resource"]["attributes"][0]["value"] == {"stringValue": "cicd"}
