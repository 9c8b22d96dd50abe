"""What Consul lets each part of the site do: policies of infra/consul, and the tokens in the files."""

import json
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from lab.places import REPOSITORY
from tests.site.world import APT, BUILD, CANARY, NAMES, PRODUCTION, SERVER, STACK, SiteWorld

POLICIES = REPOSITORY / "infra" / "consul"
BOOTSTRAP_SECONDS = 60.0
# The files of tokens, each with the policies that it has on a host; a token without any is of its node.
TOKENS = {
    f"consul/{STACK}.agent.token": (),
    f"consul/{CANARY}.agent.token": (),
    f"consul/{PRODUCTION}.agent.token": (),
    f"consul/{BUILD}.agent.token": ("build-host",),
    f"consul/{APT}.agent.token": ("repository-host", "load-balancer"),
    f"consul/{APT}.traffic.token": ("cicd-traffic",),
    f"consul/{APT}.render.token": ("cicd-render",),
    f"consul/{CANARY}.converge.token": ("app-host",),
    f"consul/{PRODUCTION}.converge.token": ("app-host",),
    f"consul/{STACK}.pack.token": ("stackstorm", "stackstorm-project"),
    f"consul/{STACK}.status.token": ("status-page",),
}


def write(folder: Path) -> None:
    """Choose the secrets of all tokens, and write them below *folder*."""
    for name in TOKENS:
        (folder / name).write_text(f"{uuid.uuid4()}\n")


def grant(world: SiteWorld, folder: Path) -> None:
    """Let Consul, which denies everything so far, know the tokens below *folder*."""
    consul = f"http://{world.address(SERVER)}:8500/v1/acl"
    manager = _bootstrap(consul)
    for name, policies in TOKENS.items():
        node = Path(name).name.partition(".")[0]
        if node not in NAMES:
            continue
        made = [_policy(consul, manager, policy, node) for policy in policies]
        token: dict[str, Any] = {"SecretID": (folder / name).read_text().strip(), "Policies": made}
        if not policies:
            token["NodeIdentities"] = [{"NodeName": node, "Datacenter": "lab"}]
        _put(f"{consul}/token", manager, token)


def _bootstrap(consul: str) -> str:
    """Return the secret of the token that manages all others, once the server has a leader."""
    deadline = time.monotonic() + BOOTSTRAP_SECONDS
    while True:
        try:
            return str(_put(f"{consul}/bootstrap", "", {})["SecretID"])
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _policy(consul: str, manager: str, name: str, node: str) -> dict[str, str]:
    rules = (POLICIES / f"{name}.hcl").read_text().replace("PROJECT", "greeter").replace("NODE", node)
    made = _put(f"{consul}/policy", manager, {"Name": f"{node}-{name}", "Rules": rules})
    return {"ID": made["ID"]}


def _put(url: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"X-Consul-Token": token} if token else {}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return dict(json.load(answer))
