"""What a machine that stands ready says of itself, by the script that asks it."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "actions/lib/cicd/clients/remote/see_machine.sh"


def test_a_machine_on_which_the_login_may_look_at_nothing_is_not_called_free(tmp_path):
    for name, text in {"id": "echo 1000", "sudo": "echo a password is required >&2; exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", str(SCRIPT)], env=path, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "a password is required" in done.stderr
