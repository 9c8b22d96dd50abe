"""Ansible ends where the data of a site are wrong, before it asks a machine anything."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COLLECTION = ROOT / "infra" / "ansible"
HOME = ROOT / "build" / "venvs" / "ansible" / "bin"
SITE = yaml.safe_load((ROOT / "infra" / "site.yaml").read_text())["cicd"]


@pytest.fixture
def ansible(tmp_path: Path):
    """Run a program of Ansible with the collection and its settings."""
    namespace = tmp_path / "collections" / "ansible_collections" / "cicd"
    namespace.mkdir(parents=True)
    (namespace / "hosts").symlink_to(COLLECTION)

    def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CONFIG": str(COLLECTION / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
        }
        argv = [str(HOME / program), *words]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(("bind", "ends_well"), [(":80", True), ("eighty", False)])
def test_a_run_with_data_that_are_refused_fails_and_says_what_is_wrong(ansible, tmp_path, bind, ends_well):
    site = {**SITE, "load_balancer": {**SITE["load_balancer"], "bind": bind}}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"cicd": site}))

    done = ansible("ansible-playbook", "-i", str(tmp_path / "site.yaml"), "cicd.hosts.site", "--list-hosts")

    assert (done.returncode == 0) is ends_well
    assert ("site.yaml is wrong at $.cicd.load_balancer.bind" in done.stderr) is not ends_well
