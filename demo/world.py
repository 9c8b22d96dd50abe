"""The lab's world, looked at from outside: over HTTP, in Consul and by SSH."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

ROOT = Path(__file__).resolve().parents[1]
EPOCH_2001 = 1e9  # smaller numbers are no times of ours
TIMEOUT_SECONDS = 10


class World:
    """What world.json describes."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description
        self.clone = Path(description["git"]["clone"])

    @classmethod
    def read(cls, root: Path) -> World:
        """Return the world of the lab in *root*, which this process then reaches past any proxy."""
        description = json.loads((root / "world.json").read_text())
        for name in ("no_proxy", "NO_PROXY"):
            given = [os.environ[name]] if os.environ.get(name) else []
            os.environ[name] = ",".join([*given, *description["no_proxy"]])
        return cls(description)

    def hosts(self, ring: str) -> list[dict[str, Any]]:
        """Return the app hosts of *ring*, as world.json has them."""
        return [host for host in self.description["hosts"] if host.get("ring") == ring]

    def answer(self, canary: bool = False) -> dict[str, Any]:
        """Return what one request through HAProxy to /version answers; with *canary* the header is sent."""
        proxy = self.description["haproxy"]
        headers = {proxy["canary_header"]: "1"} if canary else {}
        response = requests.get(f"{proxy['url']}/version", headers=headers, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return dict(response.json())

    def versions_served(self, canary: bool = False, requests_sent: int = 20) -> dict[str, set[str]]:
        """Return the versions that each host served in *requests_sent* requests through HAProxy."""
        served: dict[str, set[str]] = {}
        for _ in range(requests_sent):
            answer = self.answer(canary)
            served.setdefault(answer["host"], set()).add(answer["version"])
        return served

    def key(self, name: str) -> str | None:
        """Return the value of the Consul key *name*, or None."""
        url = f"{self.description['consul']['url']}/v1/kv/{name}"
        response = requests.get(url, timeout=TIMEOUT_SECONDS)
        if response.status_code == 404:
            return None
        response.raise_for_status()
        return base64.b64decode(response.json()[0]["Value"] or "").decode()

    def names(self, folder: str) -> list[str]:
        """Return the names of the Consul keys in *folder*, which ends in a slash."""
        found = requests.get(
            f"{self.description['consul']['url']}/v1/kv/{folder}?keys", timeout=TIMEOUT_SECONDS
        )
        return [key.removeprefix(folder) for key in found.json()] if found.ok else []

    def history(self, project: str) -> list[dict[str, Any]]:
        """Return the newest changes of *project*, the newest at the end."""
        folder = f"cicd/{project}/history/"
        return [json.loads(self.key(f"{folder}{name}") or "{}") for name in sorted(self.names(folder))]

    def report(self, project: str, host: str, **changed: str) -> None:
        """Let *host* seem to have reported what is *changed*, on top of what it did report."""
        url = f"{self.description['consul']['url']}/v1/kv/cicd/{project}/hosts/{host}"
        known = json.loads(self.key(f"cicd/{project}/hosts/{host}") or "{}")
        requests.put(url, json={**known, **changed}, timeout=TIMEOUT_SECONDS).raise_for_status()

    def an_hour_passes(self, project: str) -> None:
        """Let everything that Consul tells of *project* in JSON have happened an hour earlier."""
        url = f"{self.description['consul']['url']}/v1/kv"
        names = requests.get(f"{url}/cicd/{project}/?keys", timeout=TIMEOUT_SECONDS).json()
        for name in names:
            told = self.key(name) or ""
            if told.startswith("{"):
                earlier = json.dumps(_an_hour_earlier(json.loads(told)))
                requests.put(f"{url}/{name}", data=earlier, timeout=TIMEOUT_SECONDS).raise_for_status()

    def forget(self, name: str) -> None:
        """Delete the Consul key *name*."""
        url = f"{self.description['consul']['url']}/v1/kv/{name}"
        requests.delete(url, timeout=TIMEOUT_SECONDS).raise_for_status()

    def healthy(self, project: str) -> dict[str, bool]:
        """Return whether every check of *project* passes, by host."""
        url = f"{self.description['consul']['url']}/v1/health/service/{project}"
        entries = requests.get(url, timeout=TIMEOUT_SECONDS).json()
        return {e["Node"]["Node"]: all(c["Status"] == "passing" for c in e["Checks"]) for e in entries}

    @contextmanager
    def configured(self, changes: dict[str, Any]) -> Iterator[None]:
        """Change the pack's configuration, sensors' too, while the block runs."""
        path = Path(self.description["root"]) / "configs" / "cicd.yaml"
        before = path.read_text()
        self._reload(path, yaml.safe_dump(_merged(yaml.safe_load(before), changes), sort_keys=False))
        try:
            yield
        finally:
            self._reload(path, before)

    def _reload(self, path: Path, text: str) -> None:
        path.write_text(text)
        environment = {**os.environ, "LAB_ROOT": self.description["root"]}
        command = [ROOT / ".venv" / "bin" / "python", "-m", "lab", "reload"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)

    def on_host(self, host: dict[str, Any], *command: str) -> str:
        """Return what *command* prints on *host*, run over SSH with its key verified."""
        ssh = self.description["ssh"]
        argv = ["ssh", "-F", ssh["config"], host["name"], *command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.strip()

    def installed(self, host: dict[str, Any], package: str) -> str:
        """Return dpkg's word on *package* on *host*: its status and version."""
        return self.on_host(host, "dpkg-query", "-W", "-f", "'${Status}|${Version}'", package)


def _merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    nested = {k: _merged(values[k], v) for k, v in changes.items() if isinstance(values.get(k), dict)}
    return {**values, **changes, **nested}


def _an_hour_earlier(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _an_hour_earlier(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_an_hour_earlier(inner) for inner in value]
    return value - 3600 if isinstance(value, float) and value > EPOCH_2001 else value


def wait_for(what: str, question: Callable[[], Any], seconds: float = 60, every: float = 0.2) -> Any:
    """Return the first true answer to *question*; after *seconds* fail, saying *what* was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(every)
