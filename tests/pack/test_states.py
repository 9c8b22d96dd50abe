"""docs/states.md shows what the code does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_drawn_state_machine_is_the_codes():
    command = [sys.executable, ROOT / "script" / "states.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
