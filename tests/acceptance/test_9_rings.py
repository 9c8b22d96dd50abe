"""A list of rings of a project's own: staging, canary, and two of production, one in another datacentre."""

import subprocess
import time
from contextlib import contextmanager
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
        "datacenter": "eu",
        "version_key": "{project}::version",
        "min_bake_seconds": 1,
    },
    {"name": "production-us", "tag": "{project}::app_production-us", "batches": ["100%"]},
]


EU = "web3"  # the only host of production-eu, so the server of its datacentre, too


def containers():
    places, lab = Places.from_environment(), Lab.from_environment()
    return [Container(places, host, base_of(places)) for host in lab.apps]


def container(name):
    places, lab = Places.from_environment(), Lab.from_environment()
    return Container(places, lab.host(name), base_of(places))


@contextmanager
def stopped_consul(name):
    """Let Consul on the host answer nobody meanwhile."""
    host = container(name)
    host.run("systemctl", "kill", "--signal=STOP", "consul.service")
    try:
        yield
    finally:
        host.run("systemctl", "kill", "--signal=CONT", "consul.service")


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
    assert lab("datacenter", "eu", EU).returncode == 0
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
    yield found
    path.write_text(text)
    assert lab("reload").returncode == 0
    assert lab("datacenter", "lab", EU).returncode == 0


@pytest.fixture(scope="module")
def push(world, teller, hosts):
    """A function that pushes what is committed, and returns once it runs on staging."""
    clone = Path(world.description["root"]) / "clones" / NAME

    def git(*words):
        said = subprocess.run(["git", *words], cwd=clone, capture_output=True, text=True, check=True)
        return said.stdout.strip()

    def push(*words):
        if words:
            git(*words)
        git("push", "-q")
        ended = teller.follow(f"acme/{NAME}@{git('rev-parse', 'HEAD')}", "cicd.ci_success")
        assert ended["status"] == "succeeded", ended["result"]

    return push


@pytest.fixture(scope="module")
def pushed(push):
    """The first push runs on staging."""
    push()


@pytest.fixture(scope="module")
def first_version(world, hosts, pushed, stackstorm):
    """The version of the first push, once it runs on production-eu."""
    version = version_on(world, hosts, "staging")
    wait_for("the canary", lambda: rings_of(stackstorm)["canary"] == version, 120)

    def promoted():
        stackstorm.run("cicd.deploy_production", project=NAME)
        return rings_of(stackstorm)["production-eu"] == version

    wait_for("the first production ring", promoted, 120)
    return version


def version_on(world, hosts, ring):
    """Return the only version that all hosts of *ring* run; empty while there are several, or none."""
    named = [host for host in world.description["hosts"] if host["name"] in hosts[ring]]
    said = {world.installed(host, NAME).strip("'") for host in named}
    status, _, version = said.pop().rpartition("|") if len(said) == 1 else ("", "", "")
    return version if status == "install ok installed" else ""


def release(stackstorm):
    return stackstorm.run("cicd.get_release", project=NAME)["result"]["result"]


def rings_of(stackstorm):
    return {name: ring["version"] for name, ring in release(stackstorm)["rings"].items()}


def in_eu(world, key):
    """Return the text of the key as the datacentre eu has it."""
    url = f"{world.description['consul']['url']}/v1/kv/{key}?raw&dc=eu"
    found = requests.get(url, timeout=10)
    return found.text if found.ok else None


def promote_to_eu(stackstorm):
    """Begin to promote to production-eu, and return the execution once a deploy walks the ring."""
    execution = stackstorm.start("cicd.promote", project=NAME, ring="production-eu")
    wait_for(
        "the promotion", lambda: release(stackstorm)["rings"]["production-eu"]["state"] == "deploying", 60
    )
    return execution


def test_a_push_comes_to_the_first_ring_and_to_no_other(world, hosts, pushed, stackstorm):
    version = version_on(world, hosts, "staging")

    assert version.startswith(f"{VERSION}-")
    assert version_on(world, hosts, "production-eu") == version_on(world, hosts, "production-us") == ""
    assert list(rings_of(stackstorm)) == list(RINGS)


def test_a_ring_that_promotes_by_itself_gets_what_is_proven_before_it(world, hosts, pushed, stackstorm):
    version = version_on(world, hosts, "staging")
    wait_for("the canary", lambda: version_on(world, hosts, "canary") == version, 120)
    lines = stackstorm.run("cicd.list_history", project=NAME)["result"]["result"]["message"]
    assert "(by itself, from the staging)" in lines


def test_no_ring_is_passed_over(stackstorm, pushed):
    ended = stackstorm.run("cicd.promote", project=NAME, ring="production-us")

    assert ended["status"] == "failed"
    assert "has no production-eu" in ended["result"]["output"]["error"]["error"]


def test_the_plan_is_about_the_production_ring_that_comes_next(hosts, pushed, stackstorm):
    assert stackstorm.run("cicd.plan_deploy", project=NAME)["result"]["result"]["ring"] == "production-eu"


def test_nothing_is_promoted_to_a_datacentre_that_cannot_be_reached(hosts, pushed, stackstorm):
    with stopped_consul(EU):
        ended = stackstorm.run("cicd.promote", project=NAME, ring="production-eu")
        rings = rings_of(stackstorm)

    said = ended["result"]["output"]["error"]["error"]
    assert f"production-eu of {NAME} is in Consul's datacentre eu, which could not be read" in said
    assert (rings["staging"] != "", rings["production-eu"]) == (True, "")


def test_deploy_production_takes_each_production_ring_in_turn(world, hosts, first_version, stackstorm):
    version = first_version

    def promoted():
        return stackstorm.run("cicd.promote", project=NAME, ring="production-us")["status"] == "succeeded"

    wait_for("a bake of a second", promoted, 60)

    assert version_on(world, hosts, "production-eu") == version_on(world, hosts, "production-us") == version
    assert in_eu(world, f"{NAME}::version") == version
    assert world.key(f"{NAME}::version") is world.key(f"{NAME}::canary_version") is None


def test_its_hosts_obey_their_own_copy_with_the_record_gone(world, hosts, first_version):
    with stopped_consul("infra1"):
        container(EU).run("dpkg", "--remove", NAME)
        container(EU).run("cicd-converge", NAME)

        assert version_on(world, hosts, "production-eu") == first_version


@pytest.mark.faults
def test_a_push_comes_to_its_rings_while_another_datacentre_is_cut_off(
    world, hosts, first_version, push, stackstorm
):
    with stopped_consul(EU):
        push("commit", "-q", "--allow-empty", "-m", "Another version")
        version = version_on(world, hosts, "staging")
        assert version != first_version
        wait_for("the canary", lambda: version_on(world, hosts, "canary") == version, 120)
    assert rings_of(stackstorm)["production-eu"] == first_version


@pytest.mark.faults
def test_one_that_goes_away_in_the_middle_of_a_promotion_goes_back_by_itself(
    world, hosts, pushed, stackstorm
):
    before = rings_of(stackstorm)["production-eu"]
    wait_for("a healthy canary", lambda: release(stackstorm)["rings"]["canary"]["state"] == "healthy", 60)
    execution = promote_to_eu(stackstorm)
    with stopped_consul(EU):
        assert stackstorm.wait(execution)["status"] == "failed"
        assert "production-eu: Consul at" in release(stackstorm)["message"]

    def is_back():
        ring = release(stackstorm)["rings"]["production-eu"]
        return (ring["state"], ring["version"]) == ("healthy", before)

    wait_for("the version of before", is_back, 180)
    assert version_on(world, hosts, "production-eu") == in_eu(world, f"{NAME}::version") == before
