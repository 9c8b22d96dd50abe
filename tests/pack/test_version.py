"""One file says the version; every program and every package says the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from balancer import version as of_balancer
from cicd import pack_version
from deb import version as of_packages
from gateway import version as of_gateway
from host.build import script

ROOT = Path(__file__).parents[2]
VERSION = re.search(r"(?m)^version: (\S+)$", (ROOT / "pack.yaml").read_text())[1]
MODULES = ("gateway", "status", "balancer", "render", "cicd_project")


@pytest.mark.parametrize("module", MODULES)
def test_a_program_says_the_version_of_the_pack(module):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "actions" / "lib")}
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, f"{VERSION}\n"), done.stderr


def test_the_host_agent_says_and_reports_it(tmp_path):
    (tmp_path / "cicd-converge").write_text(script())
    done = subprocess.run(["sh", tmp_path / "cicd-converge", "--version"], capture_output=True, text=True)

    assert done.stdout == f"{VERSION}\n", done.stderr


def test_no_other_file_says_it():
    assert {one.version() for one in (pack_version, of_balancer, of_gateway, of_packages)} == {VERSION}
    for project in ("pyproject.toml", "deb/tree.py", "host/build.py"):
        assert not re.search(r"(?m)^version = ", (ROOT / project).read_text()), project


def test_the_collection_and_the_module_that_make_a_site_have_it():
    collection = (ROOT / "infra/ansible/galaxy.yml").read_text()
    module = json.loads((ROOT / "infra/puppet/cicd/metadata.json").read_text())

    assert {re.search(r"(?m)^version: (\S+)$", collection)[1], module["version"]} == {VERSION}


def test_a_program_without_the_file_beside_it_says_so(tmp_path):
    (tmp_path / "version.py").write_text((ROOT / "gateway" / "version.py").read_text())
    says = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import version; print(version.version())"
    command = [sys.executable, "-I", "-c", says]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.stdout == "0\n", done.stderr
