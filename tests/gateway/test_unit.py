"""The systemd unit is one that systemd takes."""

import subprocess
import sys

from tests.gateway.gateways import ROOT


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    text = (ROOT / "gateway/cicd-gateway.service").read_text()
    unit = tmp_path / "cicd-gateway.service"
    unit.write_text(text.replace("/usr/bin/cicd-gateway", sys.executable))

    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
