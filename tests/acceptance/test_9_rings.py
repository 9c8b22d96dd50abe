"""A project with a list of rings of its own, by configuration alone: staging, canary, two of production."""

import subprocess
import time
from pathlib import Path

import pytest
import requests
import yaml

from demo.world import wait_for
from lab.hosts.container import Container
from lab.hosts.fleet import base_of
from lab.places import Places
from lab.world import World as Lab
from tests.announcer import VERSION, announcer

NAME = f"liner{int(time.time()) % 100_000}"
RINGS = ("staging", "canary", "production-eu", "production-us")
TAGS = {ring: f"{NAME}::app_{ring}" for ring in RINGS}
LIFECYCLE = [
    {"name": "staging", "tag": "{project}::app_staging", "min_bake_seconds": 1},
    {"name": "canary", "tag": "{project}::app_canary", "promote": "auto", "min_bake_seconds": 1},
    {
        "name": "production-eu",
        "tag": "{project}::app_production-eu",
        "version_key": "{project}::version",
        "min_bake_seconds": 1,
    },
    {"name": "production-us", "tag": "{project}::app_production-us", "batches": ["100%"]},
]


def containers():
    places, lab = Places.from_environment(), Lab.from_environment()
    return [Container(places, host, base_of(places)) for host in lab.apps]


def put_in_ring(container, ring):
    """Tag the service of the host, and let the host know the list."""
    url = f"http://{container.host.address}:8500/v1/agent"
    service = requests.get(f"{url}/service/{NAME}", timeout=10).json()
    body = {
        "ID": NAME,
        "Name": NAME,
        "Address": service["Address"],
        "Port": service["Port"],
        "Tags": [TAGS[ring]],
    }
    requests.put(f"{url}/service/register", json=body, timeout=10).raise_for_status()
    path = f"/etc/cicd/projects/{NAME}.conf"
    words = " ".join(f"{name}={tag}" for name, tag in TAGS.items())
    container.write(path, f'{container.run("cat", path)}\nRINGS="{words}"\n')
    container.run("systemctl", "restart", f"cicd-converge-watch@{NAME}.service")


@pytest.fixture(scope="module")
def hosts(world, lab, tmp_path_factory):
    """The hosts of each ring, once the project is there with its lifecycle; the last one has the rest."""
    folder = announcer(tmp_path_factory.mktemp("a folder") / NAME, NAME)
    assert lab("project", "add", str(folder)).returncode == 0
    path = Path(world.description["root"]) / "configs" / "cicd.yaml"
    text = path.read_text()
    changed = yaml.safe_load(text)
    changed["lifecycles"] = {"web": LIFECYCLE}
    changed["projects"][NAME]["lifecycle"] = "web"
    path.write_text(yaml.safe_dump(changed, sort_keys=False))
    found = {ring: [] for ring in RINGS}
    for number, container in enumerate(containers()):
        ring = RINGS[min(number, 3)]
        put_in_ring(container, ring)
        found[ring].append(container.host.name)
    assert lab("reload").returncode == 0
    return found


@pytest.fixture(scope="module")
def pushed(world, teller, hosts):
    """The version of the first push, once it runs on staging."""
    clone = Path(world.description["root"]) / "clones" / NAME
    subprocess.run(["git", "push", "-q"], cwd=clone, check=True)
    head = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(head, cwd=clone, capture_output=True, text=True, check=True).stdout.strip()
    ended = teller.follow(f"acme/{NAME}@{commit}", "cicd.ci_success")
    assert ended["status"] == "succeeded", ended["result"]
    return ended


def version_on(world, hosts, ring):
    """Return the only version that all hosts of *ring* run; empty while there are several, or none."""
    named = [host for host in world.description["hosts"] if host["name"] in hosts[ring]]
    said = {world.installed(host, NAME).strip("'") for host in named}
    status, _, version = said.pop().rpartition("|") if len(said) == 1 else ("", "", "")
    return version if status == "install ok installed" else ""


def rings_of(stackstorm):
    result = stackstorm.run("cicd.get_release", project=NAME)["result"]["result"]
    return {name: ring["version"] for name, ring in result["rings"].items()}


def test_a_push_comes_to_the_first_ring_and_to_no_other(world, hosts, pushed, stackstorm):
    version = version_on(world, hosts, "staging")

    assert version.startswith(f"{VERSION}-")
    assert version_on(world, hosts, "production-eu") == version_on(world, hosts, "production-us") == ""
    assert list(rings_of(stackstorm)) == list(RINGS)


def announced(stackstorm):
    found = stackstorm.client.executions.query(action="core.announcement", limit=100)
    messages = [one.parameters["message"] for one in found]
    return [one for one in messages if one.get("event") == "promoted_by_itself" and one["project"] == NAME]


def test_a_ring_that_promotes_by_itself_gets_what_is_proven_before_it(world, hosts, pushed, stackstorm):
    version = version_on(world, hosts, "staging")
    wait_for("the canary", lambda: version_on(world, hosts, "canary") == version, 120)
    wait_for("its announcement", lambda: announced(stackstorm), 30)

    assert [(one["ring"], one["version"]) for one in announced(stackstorm)] == [("canary", version)]
    lines = stackstorm.run("cicd.list_history", project=NAME)["result"]["result"]["message"]
    assert "(by itself, from the staging)" in lines


def test_no_ring_is_passed_over(stackstorm, pushed):
    ended = stackstorm.run("cicd.promote", project=NAME, ring="production-us")

    assert ended["status"] == "failed"
    assert "has no production-eu" in ended["result"]["output"]["error"]["error"]


def test_deploy_production_takes_each_production_ring_in_turn(world, hosts, pushed, stackstorm):
    version = version_on(world, hosts, "staging")
    wait_for("the canary", lambda: rings_of(stackstorm)["canary"] == version, 120)
    assert stackstorm.run("cicd.plan_deploy", project=NAME)["result"]["result"]["ring"] == "production-eu"

    def promoted():
        stackstorm.run("cicd.deploy_production", project=NAME)
        return rings_of(stackstorm)["production-eu"] == version

    wait_for("the first production ring", promoted, 120)
    wait_for(
        "a bake of a second", lambda: stackstorm.run("cicd.promote", project=NAME, ring="production-us"), 60
    )

    assert version_on(world, hosts, "production-eu") == version_on(world, hosts, "production-us") == version
    assert world.key(f"{NAME}::version") == version
    assert world.key(f"{NAME}::canary_version") is None
