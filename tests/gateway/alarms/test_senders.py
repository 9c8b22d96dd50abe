"""The notification commands that are shipped, run as Nagios and Icinga run them, reach the gateway."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.gateway.gateways import Local
from tests.gateway.wire import TOKEN, StackStorm, eventually

INFRA = Path(__file__).parents[3] / "infra"
NAGIOS = re.findall(r"command_line\s+(.+)", (INFRA / "nagios/cicd.cfg").read_text())
ICINGA = re.findall(r"command = \[(.+)\]", (INFRA / "icinga2/cicd.conf").read_text())
VALUES = {
    "$_SERVICEPROJECT$": "greeter",
    "$_HOSTPROJECT$": "greeter",
    "$HOSTNAME$": "web1",
    "$SERVICEDESC$": "Disk / > 90 % (free)",
    "$NOTIFICATIONTYPE$": "PROBLEM",
    "$service.vars.project$": "greeter",
    "$host.vars.project$": "greeter",
    "$host.name$": "web1",
    "$service.name$": "Disk / > 90 % (free)",
    "$notification.type$": "Problem",
}


def filled(command: str) -> str:
    for macro, value in VALUES.items():
        command = command.replace(macro, value)
    assert "$" not in command, "every macro is known"
    return command


@pytest.mark.parametrize(("number", "check"), [(0, "Disk / > 90 % (free)"), (1, "host")])
@pytest.mark.parametrize("system", ["nagios", "icinga"])
def test_a_notification_reaches_the_gateway(gateway: Local, stackstorm: StackStorm, system, number, check):
    header = gateway.folder / "header"
    header.write_text(f"X-Cicd-Token: {TOKEN}\n")
    if system == "nagios":
        words = shlex.split(filled(NAGIOS[number]))
    else:
        words = re.findall(r'"([^"]*)"', filled(ICINGA[number]))
    words = [f"@{header}" if word.endswith(".header") else word for word in words]
    words[-1] = words[-1].replace("https://gateway.example.com", gateway.url)
    subprocess.run(words, check=True, capture_output=True)
    eventually(lambda: stackstorm.got)

    wanted = {"project": "greeter", "host": "web1", "check": check, "status": "problem", "source": system}
    assert stackstorm.got[0][2] == wanted


def test_alertmanager_is_set_to_say_what_is_over():
    (receiver,) = yaml.safe_load((INFRA / "alertmanager/receiver.yml").read_text())["receivers"]
    (webhook,) = receiver["webhook_configs"]

    assert webhook["send_resolved"] is True
    assert "credentials_file" in webhook["http_config"]["authorization"]
