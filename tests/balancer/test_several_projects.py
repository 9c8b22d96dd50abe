"""The page's frontend for several projects, on a real HAProxy, with the backends that add_project makes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.onboarding import balancer, wanted
from tests.balancer.haproxy import BACKEND, HAProxy
from tests.lib.onboarding import test_wanted
from tests.printed.texts import ROOT, page

NAMES = [f"{project}{side}" for project in ("greeter", "shop") for side in ("", "_canary", "_stable")]
BEGINNING = """global
  stats socket {folder}/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
"""


def block(number: int) -> str:
    return [text.code for text in page(ROOT / "docs" / "haproxy.md") if text.language == "haproxy"][number]


class Site(HAProxy):
    """One process with two projects, as the page describes it; each backend says its name."""

    shares = ""

    def start(self, gone=()) -> None:
        self.file.write_text(self.shares)
        (self.folder / "projects.map").write_text("shop.example.com shop\n")
        backends = "".join(
            BACKEND.format(side=name, folder=self.folder, state="disabled" if name in gone else "")
            for name in NAMES
        )
        text = BEGINNING.format(folder=self.folder) + frontend(self.folder, self.port) + backends
        (self.folder / "haproxy.cfg").write_text(text)
        self._run()

    def side(self, host: str, **headers: str) -> str:
        url, deadline = f"http://127.0.0.1:{self.port}/", time.monotonic() + 20
        while True:
            try:
                return requests.get(url, headers={"Host": host, **headers}, timeout=10).headers["x-side"]
            except requests.ConnectionError:  # a process that has just begun may reset it
                assert time.monotonic() < deadline, (self.folder / "log").read_text()


def frontend(folder: Path, port: int) -> str:
    moved = block(1).replace("bind :80", f"bind 127.0.0.1:{port}")
    moved = moved.replace("/etc/haproxy/projects.map", f"{folder}/projects.map")
    return moved.replace("/var/lib/cicd-traffic/shares.map", f"{folder}/shares.map") + "\n"


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Two projects; a parameter is what the map of shares has."""
    Site.shares = getattr(request, "param", "")
    running = Site(tmp_path)
    yield running
    running.stop()


def test_each_project_gets_its_own_requests_and_its_own_canarys(site):
    assert site.side("shop.example.com") == "shop"
    assert site.side("shop.example.com:8080") == "shop"
    assert site.side("SHOP.example.com", **{"X-Canary": "1"}) == "shop_canary"
    assert site.side("elsewhere.example.com") == "greeter"
    assert site.side("elsewhere.example.com", **{"X-Canary": "1"}) == "greeter_canary"


@pytest.mark.parametrize(
    ("site", "side"), [("shop 10000\n", "shop_canary"), ("shop 0\n", "shop_stable")], indirect=["site"]
)
def test_a_share_of_one_project_is_none_of_the_others(site, side):
    assert site.side("shop.example.com") == side
    assert site.side("greeter.example.com") == "greeter"


def test_the_file_of_a_project_is_one_that_haproxy_takes_beside_the_pages_own(tmp_path):
    text = balancer.text(wanted.parse(test_wanted.given(tmp_path), "shop", test_wanted.request()))
    for name, part in {"shares": "", "projects": ""}.items():
        (tmp_path / f"{name}.map").write_text(part)
    parts = block(0).partition("frontend")[0] + frontend(tmp_path, 8080)
    (tmp_path / "haproxy.cfg").write_text(parts)
    (tmp_path / "shop.cfg").write_text(text)
    files = [str(tmp_path / name) for name in ("haproxy.cfg", "shop.cfg")]
    done = subprocess.run(
        ["haproxy", "-c", "-f", files[0], "-f", files[1]], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert [line for line in text.splitlines() if line.startswith("backend")] == [
        "backend shop",
        "backend shop_canary",
        "backend shop_stable",
    ]
