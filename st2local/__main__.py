"""`python -m st2local`."""

from __future__ import annotations

import sys

from st2local.cli import main

sys.exit(main())
