"""`python3 -m cicd_project check DIR`: see `--help`."""

import sys

from cicd_project import cli

if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:]))
