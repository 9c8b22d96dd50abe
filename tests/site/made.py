"""A site that a tool has made, and what is asked of it."""

import json
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lab.places import REPOSITORY
from tests.site import tokens
from tests.site.machines import Machines
from tests.site.world import APT

EXAMPLE = REPOSITORY / "examples" / "greeter"
PUSH_SECONDS = 300.0
# What the tools write themselves: neither what they copy of the site's files nor what packages bring.
SETTINGS = """
for file in /etc/apt/sources.list.d/cicd.list /etc/consul.d/*.json /etc/nginx/conf.d/cicd-apt.conf \\
    /etc/cicd/*.conf /etc/cicd/projects/* /etc/default/greeter /etc/cicd/render.d/*; do
    [ ! -f "$file" ] || { stat -c '%n %a %U:%G' "$file"; cat "$file"; }
done
"""


class Tool(Protocol):
    """A tool of configuration management."""

    name: str
    packages: tuple[str, ...]  # what has to be on a machine before

    def apply(self, *machines: str) -> dict[str, int]:
        """Make all machines, or only *machines*, and return how much was changed on each."""

    def preview(self, *machines: str) -> dict[str, int]:
        """Return how much `apply` would change; nothing is."""


@dataclass
class Site:
    """The machines, and the tool that makes them."""

    machines: Machines
    tool: Tool
    first: dict[str, int] = field(default_factory=dict)  # how much the first run changed on each machine

    def run(self, name: str, *argv: str) -> str:
        """Run *argv* on the machine *name* and return its output."""
        return self.machines.run(name, *argv)

    def token(self, name: str) -> str:
        """Return the token that the file of that *name* has."""
        return (self.machines.places.root / "files" / "consul" / f"{name}.token").read_text().strip()

    def grant(self) -> str:
        """Let Consul know the tokens of all machines, and return what was said."""
        return tokens.grant(self.machines.site)

    def written(self) -> dict[str, str]:
        """Return path, mode, owner and text of all settings of each machine."""
        said = {host.name: self.run(host.name, "sh", "-c", SETTINGS) for host in self.machines.world.machines}
        folder = self.machines.places.root / "files"
        secrets = [*folder.glob("consul/*.token"), folder / "consul" / "gossip_key"]
        return {name: _named(text, secrets) for name, text in said.items()}

    def push(self) -> str:
        """Push the sample application, and return the commit."""
        clone = self.machines.places.clone
        shutil.copytree(EXAMPLE, clone, dirs_exist_ok=True)
        for words in (("add", "--all"), ("commit", "--quiet", "-m", "Greet people"), ("push", "--quiet")):
            subprocess.run(["git", "-C", str(clone), *words], check=True)
        head = ["git", "-C", str(clone), "rev-parse", "HEAD"]
        return subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()

    def wait_canary(self, commit: str) -> dict[str, Any]:
        """Return what the canary answers by way of the load balancer, once that is *commit*."""
        deadline = time.monotonic() + PUSH_SECONDS
        while (answer := self.greeting({"X-Canary": "1"})).get("commit") != commit:
            assert time.monotonic() < deadline, f"the canary answers {answer}"
            time.sleep(0.5)
        return answer

    def greeting(self, headers: dict[str, str]) -> dict[str, Any]:
        """Return what the application answers by way of the load balancer; nothing when it does not."""
        url = f"http://{self.machines.world.address(APT)}:8000/version"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
                return dict(json.load(answer))
        except OSError:
            return {}

    def process(self, name: str, unit: str) -> str:
        """Return the main process of *unit* on the machine *name*, and when it came to be."""
        show = ("systemctl", "show", "--property=MainPID,ExecMainStartTimestampMonotonic", unit)
        return self.run(name, *show)


def _named(text: str, secrets: list[Path]) -> str:
    """Return *text* with the names of *secrets* in their places: each site has others."""
    for secret in secrets:
        text = text.replace(secret.read_text().strip(), secret.name)
    return text
