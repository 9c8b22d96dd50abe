"""Each query of the dashboard finds something in a Prometheus that scraped the page and the gateway."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
import yaml

from cicd.ci import run
from cicd.ci.run import BUILDING, Run
from cicd.release import transitions
from cicd.release.analysis import Analysis
from cicd.release.holds import Hold
from cicd.release.record import Cause, Release
from cicd.store.store import Store
from gateway import config
from tests.conftest import free_port
from tests.gateway.gateways import Local, configure
from tests.gateway.wire import StackStorm, deliver, push
from tests.host.machine import wait_for
from tests.lib.consul_settings import settings
from tests.lib.reports.test_status_text import build
from tests.status.test_server import ROOT, Page

DASHBOARD = json.loads((ROOT / "infra" / "grafana" / "cicd.json").read_text())
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
VARIABLES = {"$project": ".*", "$__range": "1m", "$__rate_interval": "1m", "[1d]": "[1m]"}


class Project:
    """The greeter in a real Consul, of which everything happens that a figure is about."""

    def __init__(self, consul: str) -> None:
        self._consul, self._store = consul, Store(settings(consul))
        requests.delete(f"{consul}/v1/kv/?recurse", timeout=10).raise_for_status()

    def stand(self) -> None:
        """Have hosts, and a commit in CI."""
        for name, status in (("web1", "passing"), ("web2", "critical")):
            service = {"ID": "greeter", "Service": "greeter", "Tags": ["greeter::app"], "Port": 8080}
            check = {"Name": "health", "Status": status, "ServiceID": "greeter"}
            body = {"Node": name, "Address": "10.0.0.1", "Service": service, "Check": check}
            put = requests.put(f"{self._consul}/v1/catalog/register", json=body, timeout=10)
            put.raise_for_status()
        self._store.put(run.key("greeter", "c" * 40), run.as_json(Run(BUILDING, time.time() - 60)))

    def move(self) -> None:
        """Deploy, fail, roll back, and let a canary bake that was judged, with the project locked."""
        for commits in (1, 2):
            self._committed(commits)
            self._arrives("advertise_canary", "canary", commits)
            self._arrives("promote", "production", commits)
        self._change("roll_back", "production", lambda r: transitions.roll_back(r, "production", time.time()))
        self._confirm("production")
        self._change("advertise_canary", "canary", lambda r: _advertised(r, 3))
        self._change("restore", "canary", _restored)
        self._confirm("canary")
        self._arrives("advertise_canary", "canary", 4)
        self._change("judge", "canary", _judged)
        self._change("lock", "canary", _locked)

    def _committed(self, commits: int) -> None:
        record = {"version": build(commits).version, "committed": time.time() - 600}
        self._store.put(f"cicd/greeter/packages/{build(commits).version}", record)

    def _arrives(self, what: str, ring: str, commits: int) -> None:
        if what == "promote":
            self._change(what, ring, lambda r: transitions.promote(r, time.time(), 0))
        else:
            self._change(what, ring, lambda r: _advertised(r, commits))
        self._confirm(ring)

    def _confirm(self, ring: str) -> None:
        self._change(
            "confirm",
            ring,
            lambda r: transitions.confirm(r, ring, r.ring(ring).generation, time.time()),
        )

    def _change(self, what: str, ring: str, decide) -> None:
        self._store.change("greeter", what, ring, Cause("ann", what, time.time(), "e1"), decide)


def _advertised(known: Release, commits: int) -> Release:
    return transitions.advertise_canary(known, build(commits), time.time())


def _restored(known: Release) -> Release:
    return transitions.restore(known, "canary", known.canary.generation, time.time())


def _judged(known: Release) -> Release:
    found = Analysis(known.canary.generation, began=time.time(), when=time.time(), planned=3, looks=1)
    changed = dataclasses.replace(known.canary, analysis=found)
    return dataclasses.replace(known.with_ring("canary", changed), generation=known.generation + 1)


def _locked(known: Release) -> Release:
    return transitions.hold(known, dataclasses.replace(known.holds, lock=Hold("ann", "db", time.time())))


@pytest.fixture(scope="module")
def prometheus(consul: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scraped the page and the gateway before anything happened, and since."""
    folder, project = tmp_path_factory.mktemp("figures"), Project(consul)
    project.stand()
    with ExitStack() as stack:
        page = Page(folder, consul)
        stack.callback(page.stop)
        silent = stack.enter_context(StackStorm())
        read = config.read(configure(folder, silent.url))
        gateway = Local(folder, dataclasses.replace(read, port=0))
        stack.enter_context(gateway.serving())
        deliver(gateway, push())
        wait_for(page.projects)
        url = stack.enter_context(Scraping(folder, page.url, gateway.url))
        wait_for(lambda: values(url, 'cicd_deployments_total{outcome="good"}'))
        wait_for(lambda: values(url, "cicd_gateway_events"))
        project.move()
        deliver(gateway, push())
        yield url


class Scraping:
    """A Prometheus that scrapes *targets* every 3 seconds, in a `with` block that is given its address."""

    def __init__(self, folder: Path, *targets: str) -> None:
        self._port, self._folder = free_port(), folder
        scraped = {"targets": [target.removeprefix("http://") for target in targets]}
        job = {"job_name": "cicd", "static_configs": [scraped]}
        timing = {"scrape_interval": "3s", "scrape_timeout": "3s"}  # a busy page takes its time
        (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": timing, "scrape_configs": [job]}))

    def __enter__(self) -> str:
        command = [shutil.which("prometheus") or "prometheus", f"--config.file={self._folder}/prometheus.yml"]
        command += [
            f"--storage.tsdb.path={self._folder}/data",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        self._log = (self._folder / "prometheus.log").open("w")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        return f"http://127.0.0.1:{self._port}"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


def values(url: str, query: str) -> list[float]:
    """Return what *query* finds now, but for what is no number."""
    try:
        found = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=10)
    except requests.ConnectionError:
        return []
    if found.status_code == 503:  # it reads its data yet
        return []
    answer = found.json()
    assert answer["status"] == "success", answer
    samples = [float(sample["value"][1]) for sample in answer["data"]["result"]]
    return [value for value in samples if not math.isnan(value)]


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[title for title, _ in QUERIES])
def test_each_query_of_the_dashboard_finds_something(prometheus, title, query):
    for name, value in VARIABLES.items():
        query = query.replace(name, value)

    assert "$" not in query
    wait_for(lambda: values(prometheus, query))


def test_deploys_that_came_after_the_first_look_are_counted(prometheus):
    counted = {
        outcome: f'sum(increase(cicd_deployments_total{{outcome="{outcome}"}}[5m]))'
        for outcome in ("good", "failed")
    }

    wait_for(lambda: all(sum(values(prometheus, query)) >= 1 for query in counted.values()))


def test_every_metric_of_the_programs_is_on_the_dashboard():
    page = (ROOT / "docs" / "status.md").read_text().partition("## For Prometheus")[2].partition("\n## ")[0]
    documented = set(re.findall(r"`(cicd_[a-z_]+)", page))
    shown = " ".join(query for _, query in QUERIES)

    assert documented
    assert {name for name in documented if name not in shown} == set()
