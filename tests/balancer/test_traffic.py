"""A real HAProxy with cicd-traffic beside it: who asks gets the side that the share says, and keeps it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from balancer import shares
from balancer.config import Config
from balancer.haproxy import HAProxy as OurHAProxy
from balancer.traffic import Traffic
from follow import follower
from follow.follower import Follower
from tests.balancer.haproxy import HAProxy

USERS = range(10_000)


@pytest.fixture(scope="module")
def haproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HAProxy]:
    running = HAProxy(tmp_path_factory.mktemp("haproxy"))
    yield running
    running.stop()


@pytest.fixture
def ours(haproxy: HAProxy) -> OurHAProxy:
    return OurHAProxy(settings(haproxy))


def settings(haproxy: HAProxy, url: str = "") -> Config:
    socket = str(haproxy.folder / "admin.sock")
    return Config(url, node="lb1", haproxy_socket=socket, map_file=str(haproxy.file))


def want(haproxy: OurHAProxy, buckets: int | None) -> None:
    entries = shares.entries({"greeter": shares.Share(buckets, 1)})
    haproxy.keep(entries)
    haproxy.apply(entries)


def test_of_10_000_users_the_share_goes_to_the_canary_and_nobody_returns_while_it_grows(haproxy, ours):
    want(ours, 0)
    assert set(haproxy.of_users(USERS)) == {"stable"}
    chosen: set[int] = set()
    for percent in (1, 5, 25, 50, 100):
        want(ours, percent * 100)
        sides = haproxy.of_users(USERS)
        now = {user for user, side in enumerate(sides) if side == "canary"}
        assert set(sides) <= {"canary", "stable"}
        assert abs(len(now) / 100 - percent) <= 2
        assert chosen <= now
        chosen = now
    assert len(chosen) == len(USERS)


def test_without_a_share_all_is_as_it_was(haproxy, ours):
    want(ours, None)

    assert set(haproxy.of_users(range(300))) == {"all"}
    assert haproxy.sides(["X-Canary: 1\r\n"]) == ["canary"]


def test_whoever_has_no_cookie_is_known_by_the_address(haproxy, ours):
    want(ours, 5000)
    first = {f"127.0.{n}.{n}": haproxy.sides(["", ""], f"127.0.{n}.{n}") for n in range(1, 60)}
    want(ours, 6000)

    assert all(len(set(sides)) == 1 for sides in first.values())
    assert {sides[0] for sides in first.values()} == {"canary", "stable"}
    for address, sides in first.items():
        assert sides[0] == "stable" or haproxy.sides([""], address) == ["canary"]


def test_a_restart_and_a_reload_keep_the_share(haproxy, ours):
    want(ours, 2500)
    before = haproxy.of_users(range(1000))
    haproxy.reload()
    assert haproxy.of_users(range(1000)) == before
    haproxy.stop()
    haproxy.start()

    assert haproxy.of_users(range(1000)) == before
    assert ours.running() == {"greeter": "2500"}


def test_a_share_of_an_empty_canary_goes_to_the_others(haproxy, ours):
    want(ours, 5000)
    haproxy.stop()
    haproxy.start(gone=["canary"])
    without_canary = set(haproxy.of_users(range(100)))
    haproxy.stop()
    haproxy.start(gone=["stable"])
    without_tags = set(haproxy.of_users(range(100)))
    haproxy.stop()
    haproxy.start()

    assert without_canary == {"stable"}
    assert without_tags == {"canary", "all"}


def test_a_file_that_is_no_map_replaces_none(haproxy, ours):
    want(ours, 100)
    with pytest.raises(Exception, match="HAProxy refuses the map"):
        ours.keep({"greeter": "many"})

    assert ours.kept() == {"greeter": "100"}
    assert [path.name for path in haproxy.folder.glob("*.map")] == ["shares.map"]


class Host:
    """cicd-traffic as it runs on a load balancer's host."""

    def __init__(self, haproxy: HAProxy, url: str) -> None:
        self.said: list[str] = []
        self.url, self.known = url, settings(haproxy, url)
        self.follower = Follower(Traffic(self.known, OurHAProxy(self.known)), "1.0", self.said.append)

    def want(self, project: str, text: str) -> None:
        requests.put(f"{self.url}/v1/kv/cicd/.traffic/wanted/{project}", data=text, timeout=10)

    def report(self) -> dict[str, object]:
        found = requests.get(f"{self.url}/v1/kv/cicd/.traffic/applied/lb1?raw", timeout=10)
        return json.loads(found.text)


@pytest.fixture
def host(haproxy: HAProxy, consul: str) -> Host:
    return Host(haproxy, consul)


def test_what_consul_wants_is_applied_and_reported_once(host, haproxy):
    host.want("greeter", '{"buckets": 500, "generation": 7}')
    assert host.follower.step(1)
    first = host.report()
    written = modified(host)
    assert host.follower.step(1)

    assert haproxy.file.read_text() == "greeter 500\n"
    assert first["applied"] == {"greeter": {"buckets": 500, "generation": 7}}
    assert first["error"] == ""
    assert modified(host) == written


def test_a_change_is_applied_as_soon_as_consul_has_it(host, ours):
    host.want("greeter", '{"buckets": 0, "generation": 8}')
    host.follower.step(1)
    waiting = threading.Thread(target=host.follower.step, args=(30,))
    waiting.start()
    host.want("greeter", '{"buckets": 2500, "generation": 9}')
    waiting.join(10)

    assert ours.running() == {"greeter": "2500"}


def test_what_is_unreadable_stays_as_it_was_and_is_reported(host, ours):
    host.want("greeter", '{"buckets": 500, "generation": 9}')
    host.follower.step(1)
    host.want("greeter", '{"buckets": 20000, "generation": 10}')
    host.want("web", '{"buckets": 100, "generation": 1}')
    host.follower.step(1)

    assert ours.running() == {"greeter": "500", "web": "100"}
    assert list(host.report()["applied"]) == ["web"]
    assert "What Consul wants of greeter is unreadable" in host.report()["error"]


def test_a_haproxy_that_is_away_is_reported_and_has_the_share_when_it_is_back(host, haproxy, ours):
    haproxy.stop()
    host.want("greeter", '{"buckets": 1000, "generation": 11}')
    host.follower.step(1)
    away = host.report()
    haproxy.start()
    eventually(lambda: host.follower.step(1) and host.report()["error"] == "")

    assert away["applied"] == {}
    assert "HAProxy does not answer" in away["error"]
    assert ours.running()["greeter"] == "1000"


def test_a_share_ends_in_the_process_that_runs_though_its_file_cannot_be_kept(host, haproxy, ours):
    host.want("greeter", '{"buckets": 1000, "generation": 13}')
    host.follower.step(1)
    refusing = OurHAProxy(replace(host.known, haproxy="/bin/false"))
    full = Follower(Traffic(host.known, refusing), "1.0", host.said.append)
    host.want("greeter", '{"buckets": 0, "generation": 14}')
    full.step(1)

    assert (ours.running()["greeter"], ours.kept()["greeter"]) == ("0", "1000")
    assert host.report()["applied"] == {}
    assert "HAProxy refuses the map" in host.report()["error"]


def test_a_report_that_somebody_deleted_is_written_again(host, monkeypatch):
    host.want("greeter", '{"buckets": 1000, "generation": 15}')
    host.follower.step(1)
    requests.delete(f"{host.url}/v1/kv/cicd/.traffic/applied/lb1", timeout=10)
    monkeypatch.setattr(follower, "REPORT_SECONDS", 0)
    host.follower.step(1)

    assert host.report()["applied"]["greeter"] == {"buckets": 1000, "generation": 15}


def test_whatever_is_in_consul_s_place_is_named(haproxy):
    site = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
    host = Host(haproxy, f"http://127.0.0.1:{site.server_address[1]}")

    assert not host.follower.step(1)
    site.shutdown()
    site.server_close()
    assert host.said == [f"{host.url} gives an answer that is not Consul's."]


class Page(BaseHTTPRequestHandler):
    """Answers as whatever else may listen there."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("text", ["[" * 100_000, "null", "[]", '{"buckets": true, "generation": 1}', "1e999"])
def test_no_value_in_consul_is_more_than_unreadable(text):
    assert shares.parse({"greeter": text, "a b\n": '{"buckets": 1, "generation": 1}'}) == (
        {},
        ["greeter", "a b\n"],
    )


def test_while_consul_is_away_the_last_share_stays(host, haproxy, ours):
    host.want("greeter", '{"buckets": 1000, "generation": 12}')
    host.follower.step(1)
    alone = Host(haproxy, "http://127.0.0.1:1")

    assert not alone.follower.step(1)
    assert "Consul at http://127.0.0.1:1 does not answer" in alone.said[0]
    assert ours.running()["greeter"] == "1000"


def modified(host: Host) -> int:
    found = requests.get(f"{host.url}/v1/kv/cicd/.traffic/applied/lb1", timeout=10)
    return int(found.json()[0]["ModifyIndex"])


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline


def test_the_lab_and_the_page_use_one_map():
    page = (Path(__file__).parents[2] / "docs/haproxy.md").read_text()
    assert Config().map_file in page
