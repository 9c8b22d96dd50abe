"""Steps 8 to 10 on one build host, to compare what several make."""

from __future__ import annotations

import uuid
from typing import Any

from demo.stackstorm import StackStorm
from demo.world import World


def builders(world: World) -> list[dict[str, str]]:
    """Return the build hosts, as actions take them."""
    found = [host for host in world.description["hosts"] if host["role"] == "build"]
    return [{"name": host["name"], "address": host["address"]} for host in found]


def built_on(stackstorm: StackStorm, host: dict[str, str], project: str, commit: str) -> dict[str, Any]:
    """Run steps 8 to 10 for *commit* of *project* on *host* and return what was built."""
    where = {"project": project, "commit": commit, "run": uuid.uuid4().hex, "host": host}

    def result(action: str, **more: Any) -> dict[str, Any]:
        ended = stackstorm.run(action, **where, **more)
        assert ended["status"] == "succeeded", ended["result"]
        return dict(ended["result"]["result"])

    try:
        result("cicd.fetch_commit")
        described = result("cicd.read_metadata")
        tree = described["tree"]
        if tree["source"] != "repository":
            tree = result("cicd.build_tree", described=described)["tree"]
        return result("cicd.build_package", described=described, tree=tree)
    finally:
        stackstorm.run("cicd.clean_build", project=project, run=where["run"], host=host)
