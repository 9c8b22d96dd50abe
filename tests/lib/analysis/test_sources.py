"""Each source says what it saw of a canary; without data none says good."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.analysis import consul_checks, prometheus, smoke, sources, systemd
from cicd.analysis.fetch import Unusable
from cicd.release.analysis import Counts
from cicd.release.analysis_policy import SOURCES
from cicd.release.host import Check
from cicd.release.host_report import HostReport
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE
from tests.lib.analysis.questions import CANARY, OTHERS, asked, host

QUERIES = {
    "requests": 'sum(increase(requests{instance=~"{hosts}"}[{window}]))',
    "failures": 'sum(increase(failures{instance=~"{hosts}"}[{window}]))',
    "slow": 'sum(increase(slow{instance=~"{hosts}",le="{slow_seconds}"}[{window}]))',
}
BY_QUERIES = {"sources": ("prometheus",), "queries": QUERIES, "slow_ms": 300, "looks": 2}


class Server(ThreadingHTTPServer):
    """Answers what Prometheus would, by the first word of a query and whether it is about the canary."""

    figures: dict[tuple[str, bool], list[float]]
    status = 200


class Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """A query names all hosts of a ring, so it may be long."""
        self.do_GET(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def do_GET(self, form: str = "") -> None:
        server = self.server
        assert isinstance(server, Server)
        query = parse_qs(form).get("query", [""])[0]
        what = next((one for one in ("requests", "failures", "slow") if f"({one}{{" in query), "")
        values = server.figures.get((what, "web1" in query), [])
        result = [{"metric": {}, "value": [0, str(value)]} for value in values]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Answer) as found:
        found.figures = {}
        threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        found.shutdown()


def ask_prometheus(server: Server, canary: tuple[float, ...], others: tuple[float, ...], look: int = 2):
    names = ("requests", "failures", "slow")
    server.figures = {(name, True): [one] for name, one in zip(names, canary, strict=True)}
    server.figures |= {(name, False): [one] for name, one in zip(names, others, strict=True)}
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    return prometheus.look(asked(look, {"prometheus": url}, BY_QUERIES), {})[0]


@pytest.mark.parametrize(
    ("canary", "others", "outcome"),
    [
        ((500, 0, 0), (5000, 0, 0), GOOD),
        ((500.4, 0, 0.2), (5000, 0, 0), GOOD),
        ((200, 0, 60), (2000, 2, 4), BAD),
        ((200, 60, 0), (2000, 2, 4), BAD),
        ((0, 0, 0), (5000, 0, 0), INCONCLUSIVE),
        ((20, 0, 0), (200, 0, 0), INCONCLUSIVE),
    ],
)
def test_prometheus_counts_failed_and_slow_requests_of_both(server, canary, others, outcome):
    found = ask_prometheus(server, canary, others)

    assert found.outcome == outcome, found.reason
    assert found.canary == Counts(*map(round, canary))


def test_slow_but_right_is_bad_and_the_reason_says_so(server):
    found = ask_prometheus(server, (200, 0, 60), (2000, 0, 4), look=1)

    assert found.outcome == BAD
    assert "60 of 200 requests to the canary took over 300 ms" in found.reason


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [float("nan")], [-1.0]])
def test_an_answer_that_is_not_one_number_says_nothing(server, values):
    ask_prometheus(server, (500, 0, 0), (500, 0, 0))
    server.figures["failures", True] = values
    url = f"http://127.0.0.1:{server.server_address[1]}"
    found, _ = prometheus.look(asked(2, {"prometheus": url}, BY_QUERIES), {})

    assert found.outcome == INCONCLUSIVE
    assert "for the query `failures`" in found.reason


def test_a_query_is_filled_with_hosts_that_need_no_escape_in_any_quotes():
    strange = host('web-1.example.com"} or up{x="', "10.0.0.1")

    assert prometheus.filled(QUERIES["slow"], asked(policy=BY_QUERIES), [CANARY]) == (
        'sum(increase(slow{instance=~"(web1|10[.]0[.]0[.]1)([.:].*)?",le="0.3"}[60s]))'
    )
    filled = prometheus.filled("{hosts}", asked(policy=BY_QUERIES), [strange])
    assert filled == "(web-1[.]example[.]comorupx|10[.]0[.]0[.]1)([.:].*)?"


@given(st.text())
def test_whatever_a_host_is_called_it_ends_no_text_and_no_pattern(name):
    filled = prometheus.filled("{hosts}", asked(policy=BY_QUERIES), [host(name)])

    assert not set(filled) & set("\"'`\\{}\n")


ODD = [
    '{"data": null}',
    '{"data": {"resultType": "scalar", "result": [0]}}',
    "[[]]",
    '{"data": []}',
    "1e999",
    "[" * 100_000,
]
ODD += [
    '{"data": {"resultType": "vector", "result": 5}}',
    '{"data": {"resultType": "vector", "result": [{}]}}',
]


@given(st.text(max_size=40) | st.sampled_from(ODD))
def test_whatever_prometheus_answers_it_is_a_number_or_unusable(answer):
    with suppress(Unusable):
        assert prometheus.value(answer) >= 0


def checks(index: int, status: str = "passing", said: str = "same", name: str = "web1"):
    return host(name, checks=(Check("answers", "answers", status, index, said),))


def fall(*canary, look: int = 2) -> str:
    """Return what is found when the check of the canary is as *canary* says, look by look."""
    memory: dict[str, object] = {}
    others = (checks(5, name="web2"),)
    for one in canary:
        question = asked(look, policy={"looks": 2}, canary=(one,), baseline=others)
        found, memory = consul_checks.look(question, json.loads(json.dumps(memory)))
    return f"{found.outcome} {found.canary.failures}"


def test_checks_that_flap_are_bad_also_when_they_pass_at_each_look():
    assert fall(checks(5), checks(5)) == "good 0"
    assert fall(checks(5), checks(6), checks(9), checks(12)) == "bad 3"
    assert fall(checks(5), checks(6, said="other"), checks(9, said="third")) == "good 0", "it says more"
    assert fall(checks(5), checks(6, "critical"), checks(7), checks(8, "critical"), checks(9)) == "good 2"
    assert fall(checks(5), checks(5), look=1) == "inconclusive 0"
    assert fall(host("web1"), host("web1")) == "inconclusive 0", "it has no check"


def reported(**restarts: str):
    return {name: HostReport(host=name, restarts=said) for name, said in restarts.items()}


@pytest.mark.parametrize(
    ("reports", "outcome", "said"),
    [
        (reported(web1="0", web2="0", web3="0"), GOOD, "0 restarts on 1 canary hosts"),
        (reported(web1="4", web2="0", web3="0"), BAD, "4 restarts on 1 canary hosts, 0 on the others"),
        (reported(web1="4", web2="4", web3="5"), GOOD, "4 restarts on 1 canary hosts, 9 on the others"),
        (reported(web1="", web2="0", web3="0"), INCONCLUSIVE, "not known of web1"),
        (reported(web1="9" * 5000, web2="0", web3="0"), INCONCLUSIVE, "not known of web1"),
        (reported(web1="0", web2="²", web3="-1"), GOOD, "0 restarts on 1 canary hosts"),
        ({}, INCONCLUSIVE, "not known of web1"),
    ],
)
def test_a_unit_that_systemd_restarts_is_bad_and_a_host_that_does_not_say_is_no_data(reports, outcome, said):
    found, _ = systemd.look(asked(2, policy={"looks": 2}, reports=reports), {})

    assert found.outcome == outcome
    assert said in found.reason


def test_a_canary_host_that_fails_the_smoke_test_is_bad_if_another_host_passes_it(server):
    port = server.server_address[1]
    policy = {"sources": ("http",), "path": "/health", "status": 200, "looks": 2}
    well, dead = host("web1", port=port), host("web1", port=1)

    def found(canary, others, look: int = 2) -> tuple[str, str]:
        answer, _ = smoke.look(asked(look, policy=policy, canary=canary, baseline=others), {})
        return answer.outcome, answer.reason

    assert found((well,), ()) == (GOOD, "all 1 canary hosts answer /health as they should")
    assert found((well,), (), 1)[0] == INCONCLUSIVE
    assert found((dead,), (well,)) == (BAD, "web1 does not answer (ConnectionError), 3 times")
    assert found((dead,), (dead,))[0] == INCONCLUSIVE
    assert found((dead,), ())[0] == INCONCLUSIVE
    assert found((), (well,))[0] == INCONCLUSIVE
    server.status = 503
    answers = found((well,), (well,))
    server.status = 200
    assert answers[1].startswith("web1 answers /health with 503 in place of 200, 3 times")


def test_every_source_that_the_configuration_names_is_there_and_is_never_good_without_data():
    assert tuple(sources.ALL) == SOURCES
    for name, source in sources.ALL.items():
        policy = {**BY_QUERIES, "sources": (name,), "path": "/"}
        monitoring = {"haproxy": ("http://127.0.0.1:1/;csv",), "prometheus": "http://127.0.0.1:1"}
        for look in (0, 1, 2):
            question = asked(look, monitoring, policy, canary=(), baseline=OTHERS[:0])
            assert source(question, {})[0].outcome == INCONCLUSIVE, name
