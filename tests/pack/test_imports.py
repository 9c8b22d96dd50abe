"""What each action imports before it acts: each one is a process, and pays for it at every start."""

import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# These need longer than most actions work. What py-consul brings, requests among it, nearly all need.
SLOW = {
    *("asyncio", "asyncssh", "concurrent.futures", "cronsim", "cryptography", "difflib", "fabric", "jenkins"),
    *("paramiko", "subprocess", "yaml", "zoneinfo"),
}
ON_ONE_HOST = {
    *("adopt_release", "build_architectures", "build_package", "build_tree", "clean_build", "compare_builds"),
    *("compare_versions", "converge_host", "create_machine", "drain_host", "fetch_commit", "plan_deploy"),
    *("prune_packages", "remove_host"),
    *("publish_package", "read_metadata"),
}
ON_MANY_HOSTS = {"update_hosts"}
EVERYWHERE = {"add_project", "check_setup", "remove_project"}

# As the wrapper starts an action, but each in a copy of one process that has imported nothing of the pack.
STARTER = """
import marshal, os, sys
from st2common.runners import base_action, loader

given = marshal.loads(sys.stdin.buffer.read())

def start(path):
    action = base_action.create(loader.find_class(path), given["config"], None)
    action._done = lambda *_: {}
    succeeded, result = action.run()
    if not succeeded:
        raise SystemExit(str(result))

for path in given["paths"]:
    if not os.fork():
        start(path)
        print(os.path.basename(path).partition(".")[0], *sys.modules, flush=True)
        os._exit(0)
    if os.wait()[1]:
        raise SystemExit(path + " did not start")
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """Return the modules that are there when an action begins to act, by its name."""
    paths = sorted(map(str, (ROOT / "actions").glob("*.py")))
    config = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
    # The first start compiles the schema of the configuration where nobody has yet.
    given = marshal.dumps({"config": config, "paths": [paths[0], *paths]})
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = f"{ROOT}/actions/lib:{ROOT}/st2local/wrapper"
    command = [sys.executable, "-c", STARTER]
    done = subprocess.run(command, input=given, env=environment, stdout=subprocess.PIPE, check=True)
    lines = [line.split() for line in done.stdout.decode().splitlines()[1:]]
    assert len(lines) == len(paths)
    return {name: set(modules) for name, *modules in lines}


def test_only_actions_that_speak_to_a_host_import_ssh_and_each_its_own(imported):
    assert {n for n, modules in imported.items() if "paramiko" in modules} == ON_ONE_HOST | EVERYWHERE
    assert {n for n, modules in imported.items() if "asyncssh" in modules} == ON_MANY_HOSTS


def test_an_action_that_speaks_to_no_host_imports_nothing_slow(imported):
    others = imported.keys() - ON_ONE_HOST - ON_MANY_HOSTS - EVERYWHERE

    assert {name: found for name in others if (found := imported[name] & SLOW)} == {}


def test_an_action_that_speaks_to_a_host_imports_nothing_slow_but_ssh_and_what_that_brings(imported):
    needless = {"cronsim", "jenkins", "zoneinfo"}
    hosts = ON_ONE_HOST | ON_MANY_HOSTS

    assert {name: found for name in hosts if (found := imported[name] & needless)} == {}


def test_no_action_imports_how_a_provider_of_machines_is_asked_before_it_asks_one(imported):
    drivers = {f"cicd.machines.{name}" for name in ("aws", "digitalocean", "ec2", "existing")}

    assert {name: found for name, modules in imported.items() if (found := modules & drivers)} == {}
