"""A canary behind a real HAProxy is judged by its statistics; reloads and moving slots make nothing up."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.analysis import haproxy
from cicd.analysis.asked import Memory
from cicd.analysis.fetch import Unusable
from cicd.analysis.haproxy import Slot, grown
from cicd.release.analysis import Counts, Observation
from cicd.release.verdict import BAD, GOOD, INCONCLUSIVE
from cicd.setup import monitoring_checks
from tests.lib.analysis.questions import asked, host
from tests.lib.consul_settings import settings

CONFIGURATION = """global
  stats socket {folder}/socket mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
  option redispatch 1
  retries 5
  retry-on conn-failure empty-response response-timeout 503
frontend everyone
  bind 127.0.0.1:{front}
  default_backend all
backend all
  balance roundrobin
{servers}
frontend stats
  bind 127.0.0.1:{stats}
  stats enable
  stats uri /
  {legends}
"""


class Answer(BaseHTTPRequestHandler):
    """Answers with the status that its server has at the moment."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Site:
    """Three hosts, the first of which is the canary, behind one HAProxy."""

    folder: Path
    servers: list[ThreadingHTTPServer]
    front: int = field(default_factory=free_port)
    stats: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def ports(self) -> list[int]:
        return [server.server_address[1] for server in self.servers]

    def start(self, legends: str = "stats show-legends") -> None:
        self.stop()
        lines = "\n".join(f"  server app{n} 127.0.0.1:{port}" for n, port in enumerate(self.ports))
        text = CONFIGURATION.format(
            folder=self.folder, front=self.front, stats=self.stats, servers=lines, legends=legends
        )
        (self.folder / "haproxy.cfg").write_text(text)
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        self.process = subprocess.Popen([program, "-db", "-q", "-f", str(self.folder / "haproxy.cfg")])
        while not self._listens():
            assert self.process.poll() is None, "HAProxy ended"
            time.sleep(0.01)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def answers(self, canary: int, others: int = 200) -> None:
        for number, server in enumerate(self.servers):
            server.status = others if number else canary  # type: ignore[attr-defined]

    def ask(self, times: int) -> set[int]:
        """Send requests over one connection, and return the statuses that clients saw."""
        client, seen = http.client.HTTPConnection("127.0.0.1", self.front, timeout=10), set()
        for _ in range(times):
            client.request("GET", "/")
            answer = client.getresponse()
            answer.read()
            seen.add(answer.status)
        client.close()
        return seen

    def look(self, look: int, memory: Memory) -> tuple[Observation, Memory]:
        canary, *others = (host(f"web{n}", port=port) for n, port in enumerate(self.ports))
        url = f"http://127.0.0.1:{self.stats}/;csv"
        return haproxy.look(
            asked(look, {"haproxy": [url]}, {"looks": 2}, canary=(canary,), baseline=tuple(others)), memory
        )

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.stats), 1).close()
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Answer) for _ in range(3)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found = Site(tmp_path_factory.mktemp("haproxy"), servers)
    found.start()
    yield found
    found.stop()
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_canary_that_answers_503_to_everything_is_bad_though_no_client_sees_it(site):
    site.answers(canary=503)
    _, memory = site.look(0, {})

    assert site.ask(20) == {200}
    found, _ = site.look(1, memory)

    assert found.outcome == BAD, found
    assert found.canary == Counts(10, 10), "after fewer than 20 requests to it"
    assert found.baseline == Counts(20, 0), "each was answered by another host"
    assert "10 of 10 requests to the canary failed" in found.reason


def test_without_traffic_it_is_inconclusive_and_what_came_before_does_not_count(site):
    site.answers(canary=500)
    site.ask(30)
    _, memory = site.look(0, {})
    found, _ = site.look(2, memory)

    assert (found.outcome, found.canary, found.baseline) == (INCONCLUSIVE, Counts(), Counts())


def test_an_equal_canary_is_good_at_the_last_look_also_over_a_restart_of_haproxy(site):
    site.answers(canary=200)
    _, memory = site.look(0, {})
    site.ask(300)
    first, memory = site.look(1, memory)
    site.start()
    site.ask(300)
    last, _ = site.look(2, memory)

    assert (first.outcome, last.outcome) == (INCONCLUSIVE, GOOD)
    assert (last.canary, last.baseline) == (Counts(200, 0), Counts(400, 0))


def test_a_balancer_that_is_away_or_says_no_addresses_leaves_it_inconclusive_with_the_reason(site):
    site.answers(canary=200)
    _, memory = site.look(0, {})
    site.ask(600)
    site.stop()
    away, memory = site.look(2, memory)
    site.start(legends="")
    site.ask(3)
    mute, _ = site.look(2, memory)
    found = settings("http://127.0.0.1:1", monitoring={"haproxy": [f"http://127.0.0.1:{site.stats}/;csv"]})
    (finding,) = monitoring_checks.findings(found)
    site.start()
    (good,) = monitoring_checks.findings(found)

    assert (finding.state, good.state, good.said) == ("wrong", "good", "gives the figures of 3 servers")

    assert away.outcome == mute.outcome == INCONCLUSIVE
    assert "does not answer (ConnectionError)" in away.reason
    assert "it needs `stats show-legends`" in mute.reason


def test_a_host_in_another_slot_counts_from_there_and_what_another_had_in_the_slot_does_not():
    before = {"all/app1": Slot("a:80", 100, 50), "all/app2": Slot("", 0, 0), "all/app3": Slot("c:80", 9, 9)}
    moved = {
        "all/app1": Slot("b:80", 120, 60),
        "all/app2": Slot("a:80", 7, 1),
        "all/app3": Slot("c:80", 9, 9),
    }

    assert grown(before, moved) == {"a:80": (7, 1), "c:80": (0, 0)}
    assert grown(moved, moved) == {"b:80": (0, 0), "a:80": (0, 0), "c:80": (0, 0)}


def test_one_address_in_two_backends_is_added_up_and_a_backend_seen_first_counts_later():
    before = {"all/app1": Slot("a:80", 10, 1)}
    now = {"all/app1": Slot("a:80", 12, 2), "canary/app1": Slot("a:80", 500, 500)}
    later = {"all/app1": Slot("a:80", 13, 2), "canary/app1": Slot("a:80", 504, 501)}

    assert grown(before, now) == {"a:80": (2, 1)}
    assert grown(now, later) == {"a:80": (5, 1)}


def test_a_client_that_gives_up_makes_nothing_up_and_a_restart_counts_from_nothing():
    before = {"all/app1": Slot("a:80", 100, 50, 100), "all/app2": Slot("b:80", 9, 0, 9)}
    gave_up = {"all/app1": Slot("a:80", 99, 50, 100), "all/app2": Slot("b:80", 10, 0, 10)}
    started_anew = {"all/app1": Slot("a:80", 3, 1, 3), "all/app2": Slot("b:80", 2, 0, 2)}

    assert grown(before, gave_up) == {"a:80": (0, 0), "b:80": (1, 0)}
    assert grown(before, started_anew) == {"a:80": (3, 1), "b:80": (2, 0)}


def test_what_was_remembered_before_slots_had_all_their_figures_is_understood(monkeypatch):
    now = {"all/app1": Slot("10.0.0.1:80", 12, 2, 12)}
    monkeypatch.setattr(haproxy.fetch, "text", lambda _: "")
    monkeypatch.setattr(haproxy, "parse", lambda _: now)
    memory: Memory = {"slots": {"http://lb1": {"all/app1": ["10.0.0.1:80", 10, 1]}}, "counted": {}}
    found, _ = haproxy.look(asked(monitoring={"haproxy": ("http://lb1",)}), memory)

    assert found.canary == Counts(2, 1)


SLOTS = st.dictionaries(
    st.sampled_from(["all/app1", "all/app2", "canary/app1"]),
    st.builds(
        lambda address, requests, failures: Slot(address, requests, min(requests, failures), requests),
        st.sampled_from(["", "a:80", "b:80"]),
        st.integers(0, 50),
        st.integers(0, 50),
    ),
)


@given(st.lists(SLOTS, min_size=2, max_size=5))
def test_whatever_slots_do_nothing_is_negative_and_no_more_fail_than_were_asked(looks):
    for before, now in pairwise(looks):
        for address, (requests, failures) in grown(before, now).items():
            assert address
            assert 0 <= failures <= requests <= sum(slot.requests for slot in now.values())


@pytest.mark.parametrize("text", ["", "<html>", "# pxname,svname\nall,app\n", "\x00", "# " + "a," * 500])
def test_what_is_no_csv_of_haproxy_is_named_so(text):
    with pytest.raises(Unusable, match="gives no statistics of HAProxy as CSV"):
        haproxy.parse(text)
