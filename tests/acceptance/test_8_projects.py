"""A second project joins the running world, whose configuration is read again; nothing is killed for it."""

import json
import subprocess
import time
from pathlib import Path

import pytest
import requests
import yaml

from demo.world import wait_for
from lab.hosts.container import Container
from lab.jenkins.host import FOLDER
from lab.places import Places
from lab.world import World as Lab
from tests.announcer import VERSION, announcer

NAME = f"announcer{int(time.time()) % 100_000}"


def archived(folder: Path) -> Path:
    """Let CI archive the application in *folder*, and the package be made of what it archived."""
    (folder / "Jenkinsfile").write_text("archiveArtifacts artifacts: 'dist/*.tar'\n")
    with (folder / "script" / "cibuild").open("a") as script:
        script.write("mkdir dist\ngit archive -o dist/tested.tar HEAD\n")
    described = json.loads((folder / "fpm.json").read_text())
    (folder / "fpm.json").write_text(json.dumps({**described, "artifact": "dist/*.tar"}))
    return folder


@pytest.fixture(scope="module")
def pushed(world, lab, tmp_path_factory):
    """The trace of the second project's first push."""
    folder = archived(announcer(tmp_path_factory.mktemp("a folder") / NAME, NAME))
    assert lab("project", "add", str(folder)).returncode == 0
    clone = Path(world.description["root"]) / "clones" / NAME
    subprocess.run(["git", "push", "-q"], cwd=clone, check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
    )
    return f"acme/{NAME}@{commit.stdout.strip()}"


def test_a_second_projects_push_reaches_its_canary_beside_the_first(world, teller, pushed):
    before = world.answer()["version"]
    ended = teller.follow(pushed, "cicd.ci_success")
    headers = {"Host": NAME, world.description["haproxy"]["canary_header"]: "1"}
    answer = requests.get(f"{world.description['haproxy']['url']}/version", headers=headers, timeout=10)

    assert ended["status"] == "succeeded", ended["result"]
    assert answer.json()["version"].startswith(f"{VERSION}-")
    assert world.key(f"{NAME}::canary_version").startswith(f"{VERSION}-")
    assert world.answer()["version"] == before


def test_what_ci_archived_reaches_production(world, stackstorm, pushed):
    def is_baked() -> bool:
        return stackstorm.run("cicd.check_canary", project=NAME)["status"] == "succeeded"

    wait_for("the bake of the canary", is_baked, 120)
    ended = stackstorm.run("cicd.deploy_production", project=NAME)
    url = f"{world.description['haproxy']['url']}/version"
    answer = requests.get(url, headers={"Host": NAME}, timeout=10)
    version, commit = world.key(f"{NAME}::version"), pushed.partition("@")[2]
    tree = json.loads(world.key(f"cicd/{NAME}/packages/{version}"))["tree"]
    run = json.loads(world.key(f"cicd/{NAME}/runs/{commit}"))

    assert ended["status"] == "succeeded", ended["result"]
    assert answer.json()["version"] == version
    assert (tree["source"], tree["artifact"]) == ("artifact", "dist/*.tar")
    assert run["artifacts"] == {"dist/tested.tar": tree["artifact_sha256"]}


def test_one_byte_that_changed_in_jenkins_since_ci_passed_is_refused_with_both_digests(
    world, stackstorm, pushed
):
    commit, version = pushed.partition("@")[2], world.key(f"{NAME}::version")
    (tested,) = json.loads(world.key(f"cicd/{NAME}/runs/{commit}"))["artifacts"].values()
    now = changed_in_jenkins(world)
    ended = stackstorm.run("cicd.publish_apt_package", project=NAME, commit=commit)
    refusal = ended["result"]["output"]["error"]["error"]

    assert ended["status"] == "failed"
    assert f"dist/tested.tar has the sha256 {now} in CI, and had {tested} when" in refusal
    assert now != tested
    assert world.key(f"{NAME}::version") == version


def changed_in_jenkins(world) -> str:
    """Change one byte of what the project's first build archived, and return the sha256 of it."""
    root = Path(world.description["root"])
    host = Lab(world.description["network"]).infra
    jenkins = Container(Places(root, root), host, root)
    file = f"{FOLDER}/builds/{NAME}/1/archive/dist/tested.tar"
    jenkins.run("sh", "-c", f"printf x | dd of={file} bs=1 seek=700 conv=notrunc 2>/dev/null")
    return jenkins.run("sha256sum", file).split()[0]


def test_a_folder_that_is_in_the_lab_already_is_refused(lab, pushed, tmp_path):
    assert lab("project", "add", str(announcer(tmp_path / NAME, NAME))).returncode == 1


def test_a_changed_configuration_is_read_without_a_restart(world, stackstorm, lab):
    path = Path(world.description["root"]) / "configs" / "cicd.yaml"
    text = path.read_text()
    changed = yaml.safe_load(text)
    changed["projects"]["latecomer"] = {"repository": "acme/latecomer"}
    unknown = stackstorm.run("cicd.get_release", project="latecomer")["status"]
    try:
        path.write_text(yaml.safe_dump(changed))
        assert lab("reload").returncode == 0
        known = stackstorm.run("cicd.get_release", project="latecomer")["status"]
    finally:
        path.write_text(text)
        lab("reload")

    assert (unknown, known) == ("failed", "succeeded")
