"""What cloud-init does at a machine's first boot: it fetches what the machine is to be, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from cicd.config import Settings, secret
from cicd.errors import ConfigError
from cicd.provisioning.join_token import JoinToken

PROGRAM = Path(__file__).parent / "on_machine" / "join.py"
THERE, GIVEN = "/run/cicd-join/join.py", "/run/cicd-join/given.json"


def text(settings: Settings, name: str, token: JoinToken) -> str:
    """
    Return the user-data of the machine *name*, as JSON, which is YAML.

    Most clouds show it to every process of the machine, for ever: it has *token*, which is good once, and
    nothing else that is secret.
    """
    machines = settings.machines
    if not machines.gateway_url:
        raise ConfigError(
            "`machines.gateway_url` is not set, so a new machine would not know where to join.",
            "Set it in the pack's configuration, see docs/machines.md.",
        )
    given = {
        "url": machines.gateway_url,
        "ca": secret(machines.gateway_ca_file),
        "name": name,
        "token": token.secret,
    }
    program = PROGRAM.read_text(encoding="utf-8")
    said = {
        "hostname": name,
        "preserve_hostname": False,
        "locale": False,  # a minimal image has no locales to generate
        "package_update": False,  # the program updates what it needs, once
        "package_upgrade": False,
        "apt": {"preserve_sources_list": True},
        "write_files": [
            {"path": THERE, "permissions": "0700", "content": program},
            {"path": GIVEN, "permissions": "0600", "content": json.dumps(given)},
        ],
        "runcmd": [["python3", THERE, GIVEN]],
    }
    return f"#cloud-config\n{json.dumps(said)}\n"
