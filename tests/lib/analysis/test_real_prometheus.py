"""Debian's Prometheus counts the requests of two hosts; a slow canary is bad by what it answers."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from cicd.analysis import prometheus
from cicd.release.analysis import Observation
from cicd.release.verdict import BAD
from cicd.setup import monitoring_checks
from tests.conformance.local import free_ports
from tests.lib.analysis.questions import asked, host
from tests.lib.consul_settings import settings

QUERIES = {
    "requests": 'sum(increase(seconds_count{instance=~"{hosts}"}[{window}]))',
    "failures": "sum(increase(failed_total{instance=~'{hosts}'}[{window}])) or vector(0)",
    "slow": 'sum(increase(seconds_count{instance=~"{hosts}"}[{window}])) - '
    'sum(increase(seconds_bucket{instance=~"{hosts}",le="{slow_seconds}"}[{window}]))',
}
POLICY = {"sources": ("prometheus",), "queries": QUERIES, "slow_ms": 300}


class Exporter(ThreadingHTTPServer):
    """Exports how many requests there were, and how many of them were fast."""

    counted = (0, 0)


class Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Exporter)
        requests, fast = self.server.counted
        body = f'seconds_count {requests}\nseconds_bucket{{le="0.3"}} {fast}\n'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Site:
    """Two hosts that export their figures, the first of which is the canary, and a Prometheus."""

    url: str
    exporters: list[Exporter]

    def look(self) -> Observation:
        canary, other = (
            host(f"web{n}", exporter.server_address[0]) for n, exporter in enumerate(self.exporters, 1)
        )
        question = asked(1, {"prometheus": self.url}, POLICY, canary=(canary,), baseline=(other,))
        now = time.time()
        return prometheus.look(replace(question, began=now - 30, now=now), {})[0]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    exporters = [Exporter((f"127.0.0.{n}", 0), Metrics) for n in (1, 2)]
    for exporter in exporters:
        threading.Thread(target=exporter.serve_forever, args=(0.01,), daemon=True).start()
    targets = ["{}:{}".format(*exporter.server_address) for exporter in exporters]
    scraped = {"job_name": "greeter", "scrape_interval": "400ms", "static_configs": [{"targets": targets}]}
    (tmp_path / "prometheus.yml").write_text(
        yaml.safe_dump({"global": {"scrape_timeout": "400ms"}, "scrape_configs": [scraped]})
    )
    (port,) = free_ports(1)
    command = [shutil.which("prometheus") or "prometheus", f"--config.file={tmp_path / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield Site(f"http://127.0.0.1:{port}", exporters)
        finally:
            process.kill()
            for exporter in exporters:
                exporter.shutdown()
                exporter.server_close()


def test_a_slow_canary_is_bad_by_what_a_real_prometheus_counted(site):
    deadline = time.monotonic() + 60
    found = site.look()
    while found.outcome != BAD:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
        if "no request went to the canary, no request" in found.reason:  # it knows both hosts by now
            site.exporters[0].counted, site.exporters[1].counted = (400, 200), (4000, 3990)
        found = site.look()

    assert "took over 300 ms" in found.reason
    assert found.canary.failures == found.baseline.failures == 0
    assert 0.4 < found.canary.slow / found.canary.requests < 0.6
    known = settings(
        "http://127.0.0.1:1", monitoring={"prometheus": site.url, "alertmanager": f"{site.url}/no"}
    )
    states = [(finding.state, finding.said) for finding in monitoring_checks.findings(known)]
    assert states == [("good", "answers queries"), ("wrong", "answers with status 404")]
