"""cicd-gateway as a package."""

import subprocess
from pathlib import Path

import pytest

from gateway.build import PACKAGE
from tests.debian_package import unpacked
from tests.gateway.gateways import Process, states
from tests.gateway.wire import COMMIT, deliver, eventually, push


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(PACKAGE.build(tmp_path_factory.mktemp("package")))


def test_a_push_goes_through_what_the_package_brings_and_nothing_else(tree, stackstorm, tmp_path):
    gateway = Process(tmp_path, stackstorm.url, program=tree / "usr/bin/cicd-gateway")
    assert deliver(gateway, push()).json()["decision"] == "accepted"
    eventually(lambda: states(tmp_path) == [("forwarded", "")])

    mapped = Path(f"/proc/{gateway.process.pid}/maps").read_text()
    assert gateway.stop() == 0
    assert stackstorm.commits == [COMMIT]
    libraries = {line.split()[-1] for line in mapped.splitlines() if "site-packages" in line}
    assert f"{tree}/usr/lib/cicd-gateway/orjson/" in mapped
    assert libraries == set()


def test_a_first_install_says_what_its_configuration_lacks(tree):
    command = [tree / "usr/bin/cicd-gateway", "--config", tree / "etc/cicd/gateway/gateway.yaml", "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 1
    assert "/etc/cicd/gateway/" in checked.stderr
    assert "cannot be read" in checked.stderr


def test_its_configuration_is_a_conffile_and_its_unit_starts_its_program(tree):
    assert (tree / "DEBIAN/conffiles").read_text() == "/etc/cicd/gateway/gateway.yaml\n"
    unit = (tree / "usr/lib/systemd/system/cicd-gateway.service").read_text()
    assert "ExecStart=/usr/bin/cicd-gateway --config /etc/cicd/gateway/gateway.yaml\n" in unit
