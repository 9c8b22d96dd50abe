"""What a project's developer asks of the pack on a machine without StackStorm and Consul."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "actions" / "lib"))
