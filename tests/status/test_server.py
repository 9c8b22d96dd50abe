"""The page as a program of its own, beside a real Consul."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from cicd.ci import run
from cicd.ci.run import FAILED, Run
from cicd.release import transitions
from cicd.store.store import Store
from tests.conftest import free_port
from tests.host.machine import wait_for
from tests.lib.reports.test_status_text import build
from tests.lib.store.test_store import CAUSE, settings

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = {"greeter": {"repository": "acme/greeter"}}


class Page:
    """The running program."""

    def __init__(self, folder: Path, consul: str) -> None:
        port = free_port()
        self.pack, self.url = folder / "cicd.yaml", f"http://127.0.0.1:{port}"
        self.configure(consul, PROJECTS)
        config = folder / "status.yaml"
        config.write_text(yaml.safe_dump({"listen": {"port": port}, "pack": str(self.pack)}))
        argv = [sys.executable, "-m", "status", "--config", str(config)]
        self.process = subprocess.Popen(argv, cwd=ROOT)
        wait_for(self.answers)

    def configure(self, consul: str, projects: dict, **others: object) -> None:
        example = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
        values = {**example, "consul": {"url": consul}, "projects": projects, **others}
        self.pack.write_text(yaml.safe_dump(values))

    def answers(self) -> bool:
        try:
            return self.get("/healthz").ok
        except requests.ConnectionError:
            assert self.process.poll() is None
            return False

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=10)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)

    def projects(self) -> dict:
        return {one["name"]: one for one in self.get("/api/projects").json()["projects"]}


@pytest.fixture
def page(consul, tmp_path) -> Iterator[Page]:
    running = Page(tmp_path, consul)
    wait_for(running.projects)
    yield running
    assert running.stop() == 0


def advertise(consul: str, commits: int) -> None:
    Store(settings(consul)).change(
        "greeter",
        "advertise_canary",
        "canary",
        CAUSE,
        lambda r: transitions.advertise_canary(r, build(commits), time.time()),
    )


def test_a_change_reaches_who_looks_on_without_being_asked_for(page, consul):
    with requests.get(f"{page.url}/events", stream=True, timeout=60) as events:
        lines = events.iter_lines()
        first = next(line for line in lines if line.startswith(b"data:"))
        advertise(consul, 1)
        assert next(line for line in lines if line.startswith(b"data:") and line != first)
    wait_for(lambda: page.projects()["greeter"]["rings"][0]["version"])

    shown = page.projects()["greeter"]
    assert shown["rings"][0]["version"] == build(1).version
    assert shown["history"][0]["who"] == "ann"
    assert "a deploy to canary is under way" in shown["next"]
    assert build(1).version in page.get("/").text
    assert build(1).version in page.get("/projects/greeter").text
    assert build(1).version in page.get("/badge/greeter/canary.svg").text


def test_what_is_not_there_is_said_so(page):
    assert page.get("/projects/other").status_code == 404
    assert "Nothing is known of other" in page.get("/projects/other").text
    assert page.get("/projects/greeter/commits/abcdef1").status_code == 404
    assert page.get("/badge/greeter/elsewhere.svg").status_code == 404
    assert page.get("/api/projects/other").json() == {"error": "other is not known"}


def test_every_run_on_record_has_a_page_the_newest_are_on_that_of_the_project(page, consul):
    store = Store(settings(consul))
    for number in range(12):
        known = Run(FAILED, 1000.0 + number, user=f"dev{number}", status="FAILURE")
        store.put(run.key("greeter", f"{number:040x}"), run.as_json(known))
    wait_for(lambda: len(page.projects()["greeter"]["runs"]) == 8)

    oldest = page.get(f"/projects/greeter/commits/{0:040x}")
    assert (oldest.status_code, "Pushed by dev0" in oldest.text) == (200, True)
    assert "Pushed by dev11" in page.get(f"/projects/greeter/commits/{11:040x}").text


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_changed(page, method):
    assert requests.request(method, f"{page.url}/", timeout=10).status_code == 405


def test_every_answer_says_that_nothing_foreign_may_run(page):
    for path in ("/", "/projects/greeter", "/projects/other", "/api/projects"):
        assert "default-src 'none'" in page.get(path).headers["Content-Security-Policy"]


def test_a_changed_configuration_is_taken_without_a_restart(page, consul):
    page.configure(consul, {**PROJECTS, "other": {"repository": "acme/other"}})
    wait_for(lambda: "other" in page.projects())

    assert list(page.projects()) == ["greeter", "other"]


def test_a_projects_own_file_is_taken_without_a_restart_and_one_that_is_wrong_is_named(page, consul):
    folder = page.pack.with_name("projects.d")
    folder.mkdir()
    (folder / "shop.yaml").write_text("repository: acme/shop\n")
    page.configure(consul, PROJECTS, projects_dir=str(folder))
    wait_for(lambda: "shop" in page.projects())
    (folder / "shop.yaml").write_text("- no project\n")
    wait_for(lambda: "shop.yaml is not a mapping" in page.get("/").text)
    wait_for(lambda: list(page.projects()) == ["greeter"])


def test_of_many_hosts_all_count_and_some_are_shown(page, consul):
    for number in range(45):
        service = {"ID": "greeter", "Service": "greeter", "Tags": ["greeter::app"], "Port": 8080}
        body = {"Node": f"web{number}", "Address": "10.0.0.1", "Service": service}
        requests.put(f"{consul}/v1/catalog/register", json=body, timeout=10).raise_for_status()
    advertise(consul, 1)  # what is registered without a failing check is seen with the next change
    wait_for(lambda: page.projects()["greeter"]["good"] == 45)

    production = page.projects()["greeter"]["rings"][-1]
    assert (len(production["hosts"]), production["more"]) == (40, 5)
    assert "and 5 more" in page.get("/projects/greeter").text


def test_a_record_that_cannot_be_read_is_named_and_the_others_are_shown(page, consul):
    page.configure(consul, {**PROJECTS, "other": {"repository": "acme/other"}})
    wait_for(lambda: "other" in page.projects())
    put = requests.put(f"{consul}/v1/kv/cicd/greeter/release", data="garbage", timeout=10)
    put.raise_for_status()
    wait_for(lambda: page.get("/healthz").json()["status"] == "old")

    assert "The release record of greeter in Consul is not JSON" in page.get("/").text
    assert "other" in page.projects()


def test_without_consul_the_page_says_that_it_may_be_old(consul, tmp_path):
    running = Page(tmp_path, "http://127.0.0.1:9")
    try:
        wait_for(lambda: running.get("/healthz").json()["status"] == "old")
        assert "this may be old" in running.get("/").text
        assert "Consul at http://127.0.0.1:9" in running.get("/").text
    finally:
        running.stop()
