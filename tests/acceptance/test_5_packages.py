"""What reaches a host: built twice alike, tried again when a build host dies, traceable, and pruned."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import requests

from demo.stackstorm import ENDED
from demo.stories import PROJECT, REPOSITORY
from demo.world import wait_for
from tests.acceptance.building import builders, built_on
from tests.acceptance.frozen import frozen

TRACE_LINE = "dpkg-query -W -f '${X-Git-Commit} ${X-CICD-Trace}\\n' greeter"


@pytest.fixture(scope="module")
def commit(teller) -> str:
    """The newest commit on the branch that was published."""
    return latest(teller.world)["commit"]


def latest(world) -> dict:
    return record(world, world.key(f"{PROJECT}::version"))


def record(world, version: str) -> dict:
    return json.loads(world.key(f"cicd/{PROJECT}/packages/{version}"))


def test_the_same_commit_on_two_build_hosts_gives_the_bytes_that_are_published(world, stackstorm, commit):
    digests = {built_on(stackstorm, host, PROJECT, commit)["sha256"] for host in builders(world)}

    assert digests == {latest(world)["sha256"]}


def test_a_build_host_that_dies_in_the_middle_is_replaced_by_another(world, stackstorm, lab, commit):
    started = stackstorm.start("cicd.publish_apt_package", project=PROJECT, commit=commit)

    def chosen():
        tree = stackstorm.tree(started)
        found = [x for x in tree if x["action"]["ref"] == "cicd.find_build_host" and x["status"] in ENDED]
        return found and found[0]["result"]["result"]["host"]["name"]

    dead = wait_for("a build host", chosen, 60)
    lab("host", dead, "off")
    try:
        ended = stackstorm.wait(started)
        refs = [x["action"]["ref"] for x in stackstorm.tree(started)]
    finally:
        lab("host", dead, "on")

    assert ended["status"] == "succeeded", ended["result"]
    assert refs.count("cicd.find_build_host") == 2
    assert ended["result"]["output"]["sha256"] == latest(world)["sha256"]


def test_one_line_on_any_app_host_says_which_commit_and_run_its_version_came_from(world):
    for host in [*world.hosts("canary"), *world.hosts("production")]:
        version = world.installed(host, PROJECT).partition("|")[2]
        known = record(world, version)

        assert world.on_host(host, TRACE_LINE) == f"{known['commit']} {REPOSITORY}@{known['commit']}"


def test_that_line_answers_while_stackstorm_and_consul_stand_still(world):
    hosts = [*world.hosts("canary"), *world.hosts("production")]
    versions = [world.installed(host, PROJECT).partition("|")[2] for host in hosts]
    known = [record(world, version)["commit"] for version in versions]
    with frozen("consul agent", *([] if "ST2_API_URL" in os.environ else ["st2local"])):
        with pytest.raises(requests.RequestException):
            requests.get(f"{world.description['consul']['url']}/v1/status/leader", timeout=1)
        answers = [world.on_host(host, TRACE_LINE) for host in hosts]
    wait_for("healthy hosts", lambda: all(world.healthy(PROJECT).get(host["name"]) for host in hosts))

    assert answers == [f"{commit} {REPOSITORY}@{commit}" for commit in known]


def test_provenance_and_bill_of_materials_are_published_signed_and_recorded(world, tmp_path):
    known = latest(world)
    url = known["provenance"]
    texts = {path: requests.get(path, timeout=10).content for path in (url, f"{url}.asc", known["sbom"])}
    key = requests.get(f"{world.description['repository']['url']}/pubkey.gpg", timeout=10).content
    for name, content in zip(("statement", "statement.asc", "sbom"), texts.values(), strict=True):
        (tmp_path / name).write_bytes(content)
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(subprocess.check_output(["gpg", "--dearmor"], input=key))
    verified = subprocess.run(
        ["gpgv", "--keyring", keyring, tmp_path / "statement.asc", tmp_path / "statement"], check=False
    )
    statement = json.loads(texts[url])
    subjects = {x["name"]: x["digest"]["sha256"] for x in statement["subject"]}

    assert verified.returncode == 0
    assert known["sha256"] in subjects.values()
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["commit"] == known["commit"]
    assert json.loads(texts[known["sbom"]])["metadata"]["component"]["name"] == PROJECT


def test_pruning_lists_first_and_keeps_what_is_needed(world, stackstorm):
    versions = {world.key(f"{PROJECT}::version"), world.key(f"{PROJECT}::canary_version")}
    listed = stackstorm.run("cicd.prune_packages", project=PROJECT, dry_run=True)["result"]["result"]
    done = stackstorm.run("cicd.prune_packages", project=PROJECT)

    assert versions <= {choice["version"] for choice in listed["kept"]}
    assert all(choice["why"] for choice in listed["kept"])
    assert done["status"] == "succeeded", done["result"]
    assert done["result"]["result"]["removed"] == listed["removed"]


def test_the_next_run_on_a_build_host_leaves_nothing_of_any_run_there(world, stackstorm, commit):
    for host in builders(world):
        built_on(stackstorm, host, PROJECT, commit)
        assert world.on_host(host, "ls", "builds") == ""


def test_the_documented_line_is_the_one_that_was_asked():
    page = (Path(__file__).parents[2] / "docs" / "project.md").read_text()

    assert TRACE_LINE.replace("greeter", "<package>") in page
