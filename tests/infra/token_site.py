"""The example's site with tokens, and infra/consul/tokens.py as it is run for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from deb.tree import ROOT

PROGRAM = ROOT / "infra" / "consul" / "tokens.py"
CONFIGS = {
    "stackstorm/cicd.yaml": "cicd.yaml.example",
    "gateway/gateway.yaml": "gateway/gateway.yaml.example",
    "status/status.yaml": "status/status.yaml.example",
}
AGENTS = {f"consul/{name}.agent.token" for name in ("stack1", "apt1", "build1", "web1", "web2", "web3")}
NEEDED = {
    *AGENTS,
    *(f"consul/{name}.converge.token" for name in ("web1", "web2", "web3")),
    *("consul/apt1.traffic.token", "consul/apt1.render.token"),
    *("stackstorm/consul.token", "status/consul.token", "gateway/consul.token"),
}
MANAGEMENT = "consul/management.token"


class Site:
    """The example's site below *folder*, and how the program is run for it."""

    def __init__(self, folder: Path) -> None:
        self.files, self.path = folder / "files", folder / "site.yaml"
        self.first: list[str] = []  # what the first run with --grant said
        self.data: dict[str, Any] = yaml.safe_load((ROOT / "infra/site.yaml").read_text())["cicd"]
        self.data["files"] = str(self.files)
        del self.data["consul"]["tls"]
        place = "/etc/cicd/gateway/consul.token"
        self.data["gateway_host"]["secrets"][place] = "gateway/consul.token"
        for name, example in CONFIGS.items():
            (self.files / name).parent.mkdir(parents=True)
            (self.files / name).write_text((ROOT / example).read_text())
        self.configure("gateway/gateway.yaml", consul={"url": "http://127.0.0.1:8500", "token_file": place})
        self.write()

    def write(self) -> None:
        self.path.write_text(yaml.safe_dump({"cicd": self.data}))

    def configure(self, name: str, **sections: object) -> None:
        found = yaml.safe_load((self.files / name).read_text())
        (self.files / name).write_text(yaml.safe_dump({**found, **sections}))

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, str(PROGRAM), str(self.path), *options]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=self.files)

    def said(self, *options: str) -> list[str]:
        done = self.run(*options)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def refusal(self, *options: str) -> str:
        done = self.run(*options)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    def token(self, name: str) -> str:
        return (self.files / name).read_text().strip()

    @property
    def tokens(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.files)): path.read_text().strip()
            for path in self.files.rglob("*.token")
        }
