"""`python3 -m cicd_project check DIR`: see `--help`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

from cicd_project import cli

if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:]))
