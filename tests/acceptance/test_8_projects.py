"""A second project joins the running world, whose configuration is read again; nothing is killed for it."""

import subprocess
import time
from pathlib import Path

import pytest
import requests
import yaml

from tests.announcer import VERSION, announcer

NAME = f"announcer{int(time.time()) % 100_000}"


@pytest.fixture(scope="module")
def pushed(world, lab, tmp_path_factory):
    """The trace of the second project's first push."""
    folder = announcer(tmp_path_factory.mktemp("a folder") / NAME, NAME)
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
